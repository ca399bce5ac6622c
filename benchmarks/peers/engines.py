"""Each peer as its own documentation builds it: same model, its prompts, its defaults otherwise.

An engine loads the model in its constructor, so that loading is not counted as indexing. The
libraries are imported there, too: one process runs one engine, and its memory is that engine's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

QUERY_PROMPT = "query: "
PASSAGE_PROMPT = "passage: "


@dataclass(frozen=True, slots=True)
class Text:
    """A passage or a question."""

    id: str
    text: str


class Engine(Protocol):
    """A search engine over passages."""

    def __init__(self, model: Path) -> None: ...

    def index(self, passages: Sequence[Text]) -> None:
        """Replace whatever is indexed by these passages."""
        ...

    def search(self, question: str, top_k: int) -> list[str]:
        """Return the ids of the nearest passages, best first."""
        ...


class SentenceTransformersFlat:
    """sentence-transformers in fp32 with an exact FAISS index: what one writes by hand."""

    def __init__(self, model: Path) -> None:
        import faiss
        from sentence_transformers import SentenceTransformer

        self._flat = faiss.IndexFlatIP
        self._model = SentenceTransformer(
            str(model), device="cpu", prompts={"query": QUERY_PROMPT, "document": PASSAGE_PROMPT}
        )

    def index(self, passages: Sequence[Text]) -> None:
        """Embed everything and add it to a flat index."""
        vectors = self._model.encode_document(
            [passage.text for passage in passages], normalize_embeddings=True
        )
        self._ids = [passage.id for passage in passages]
        self._index = self._flat(vectors.shape[1])
        self._index.add(vectors)

    def search(self, question: str, top_k: int) -> list[str]:
        """Return the passages of greatest inner product."""
        vector = self._model.encode_query([question], normalize_embeddings=True)
        _, rows = self._index.search(vector, min(top_k, len(self._ids)))
        return [self._ids[row] for row in rows[0]]


class Txtai:
    """Vectors of txtai, its own choice of index."""

    options: Mapping[str, Any] = {}

    def __init__(self, model: Path) -> None:
        from txtai import Embeddings

        self._embeddings = Embeddings(
            path=str(model),
            instructions={"query": QUERY_PROMPT, "data": PASSAGE_PROMPT},
            gpu=False,
            **self.options,
        )

    def index(self, passages: Sequence[Text]) -> None:
        """Build the index anew."""
        self._embeddings.index((passage.id, passage.text, None) for passage in passages)

    def search(self, question: str, top_k: int) -> list[str]:
        """Return the ids of txtai's (id, score) pairs."""
        return [passage_id for passage_id, _ in self._embeddings.search(question, top_k)]


class TxtaiHybrid(Txtai):
    """Vectors and BM25 of txtai, weighted half and half, its default."""

    options: Mapping[str, Any] = {"hybrid": True}


class Haystack:
    """Haystack's embedders over its in-memory store, in pipelines as its guides show."""

    def __init__(self, model: Path) -> None:
        from haystack import Document, Pipeline
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack.utils import ComponentDevice
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        common: dict[str, Any] = {
            "model": str(model),
            "device": ComponentDevice.from_str("cpu"),
            "progress_bar": False,
            "normalize_embeddings": True,
        }
        self._document = Document
        self._embedder = SentenceTransformersDocumentEmbedder(prefix=PASSAGE_PROMPT, **common)
        self._embedder.warm_up()
        self._store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self._pipeline = Pipeline()
        self._pipeline.add_component(
            "embedder", SentenceTransformersTextEmbedder(prefix=QUERY_PROMPT, **common)
        )
        self._pipeline.add_component("dense", InMemoryEmbeddingRetriever(self._store))
        self._pipeline.connect("embedder.embedding", "dense.query_embedding")

    def index(self, passages: Sequence[Text]) -> None:
        """Embed everything and write it to the store."""
        self._store.delete_documents([document.id for document in self._store.filter_documents()])
        documents = [self._document(id=passage.id, content=passage.text) for passage in passages]
        self._store.write_documents(self._embedder.run(documents)["documents"])

    def search(self, question: str, top_k: int) -> list[str]:
        """Run the pipeline for one question."""
        found = self._pipeline.run({"embedder": {"text": question}, "dense": {"top_k": top_k}})
        return [document.id for document in found["dense"]["documents"]]


class HaystackHybrid(Haystack):
    """Haystack's BM25 and vectors, joined by reciprocal rank fusion, as its guide does."""

    def __init__(self, model: Path) -> None:
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever

        super().__init__(model)
        self._pipeline.add_component("lexical", InMemoryBM25Retriever(self._store))
        self._pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        self._pipeline.connect("dense", "join")
        self._pipeline.connect("lexical", "join")

    def search(self, question: str, top_k: int) -> list[str]:
        """Run the pipeline for one question."""
        found = self._pipeline.run(
            {
                "embedder": {"text": question},
                "dense": {"top_k": top_k},
                "lexical": {"query": question, "top_k": top_k},
                "join": {"top_k": top_k},
            }
        )
        return [document.id for document in found["join"]["documents"]]


class LlamaIndex:
    """LlamaIndex's vector store index, in memory, without a language model."""

    def __init__(self, model: Path) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        self._new_index = VectorStoreIndex
        self._node = TextNode
        self._model = HuggingFaceEmbedding(
            model_name=str(model),
            query_instruction=QUERY_PROMPT,
            text_instruction=PASSAGE_PROMPT,
            device="cpu",
        )

    def index(self, passages: Sequence[Text]) -> None:
        """Build the index anew, one node per passage."""
        nodes = [self._node(id_=passage.id, text=passage.text) for passage in passages]
        self._index = self._new_index(nodes, embed_model=self._model)

    def search(self, question: str, top_k: int) -> list[str]:
        """Return the ids of the nodes retrieved."""
        retriever = self._index.as_retriever(similarity_top_k=top_k)
        return [found.node.node_id for found in retriever.retrieve(question)]


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine and the distribution whose version is reported."""

    engine: type[Engine]
    distribution: str

    @property
    def version(self) -> str:
        """The version installed here."""
        return f"{self.distribution} {metadata.version(self.distribution)}"


PEERS: Mapping[str, Peer] = {
    "sentence-transformers": Peer(SentenceTransformersFlat, "sentence-transformers"),
    "txtai": Peer(Txtai, "txtai"),
    "txtai hybrid": Peer(TxtaiHybrid, "txtai"),
    "haystack": Peer(Haystack, "haystack-ai"),
    "haystack hybrid": Peer(HaystackHybrid, "haystack-ai"),
    "llama-index": Peer(LlamaIndex, "llama-index-core"),
}
