"""What the page's scripts read of replies is what the API's models hold.

Names of our own are in camelCase there, so a name with an underscore is one of the API's. All other
names are held to the replies as the browser tests read them (tests/browser/test_reads.py).
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import BaseModel
from typing_extensions import is_typeddict

from qa_service.bodies import answers, articles, index, index_runs, operation, questions

SCRIPTS = sorted((Path(str(files("qa_service.web"))) / "static").glob("*.js"))
TEMPLATES = sorted((Path(str(files("qa_service.web"))) / "templates").glob("*.html"))
API_NAME = re.compile(r"[a-z]+(?:_[a-z]+)+")
# Of a name after a dot, and of those that a pattern takes out of an object.
MEMBER = re.compile(r"\.\s*([A-Za-z_]\w*)")
PATTERN = re.compile(r"\{([^{}]*)\}\s*(?:=(?![=>])|\)\s*(?:=>|\{))")
LITERAL = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
REGULAR_EXPRESSION = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")


def code_of(script: str) -> str:
    """Return a script without comments and without the text of literals and templates."""
    kept: list[str] = []
    # Templates hold code, which may hold more templates.
    inside = ["code"]
    place = 0
    while place < len(script):
        character = script[place]
        if inside[-1] == "template":
            if character == "`":
                inside.pop()
            elif script.startswith("${", place):
                inside.append("expression")
                kept.append("(")
            place += 2 if character == "\\" or script.startswith("${", place) else 1
            continue
        before = "".join(kept[-20:]).rstrip()[-1:]
        literal = LITERAL.match(script, place)
        if literal is None and before in set("(,=:[!&|?{};"):
            literal = REGULAR_EXPRESSION.match(script, place)
        if literal is not None:
            kept.append(" " if literal[0].startswith(("//", "/*")) else '""')
            place = literal.end()
            continue
        if character == "`":
            inside.append("template")
        elif character == "{":
            inside.append("braces")
        is_end_of_expression = character == "}" and inside.pop() == "expression"
        kept.append(")" if is_end_of_expression else character)
        place += 1
    assert inside == ["code"], "the braces of the script do not match"
    return "".join(kept)


def names_read(script: str) -> set[str]:
    """Return the API's names that a script reads of objects."""
    code = code_of(script)
    patterns = ",".join(PATTERN.findall(code))
    taken = {part.split(":")[0].split("=")[0].strip() for part in patterns.split(",")}
    return {name for name in {*MEMBER.findall(code), *taken} if API_NAME.fullmatch(name)}


def fields_of_models() -> set[str]:
    """Return the names of all fields of all bodies."""
    return {
        name
        for module in (answers, articles, index, index_runs, operation, questions)
        for model in vars(module).values()
        if isinstance(model, type) and (is_typeddict(model) or issubclass(model, BaseModel))
        for name in getattr(model, "model_fields", model.__annotations__)
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_read_what_the_models_hold(script: Path) -> None:
    """Every name of the API that a script reads is a field of a model, run or not."""
    assert names_read(script.read_text(encoding="utf-8")) - fields_of_models() == set()


def test_reads_are_seen() -> None:
    """Members, patterns and what stands in templates are read; strings, comments and keys not."""
    script = r"""
        // not_this.one_either
        const { first_read, second: own, third_read = 1 } = body;
        list.map(({ fourth_read }) => fourth_read?.fifth_read);
        const told = `it's not_this // ${say(`nor.this_one ${body.sixth_read}`)} "x.nor_this" \``;
        const other = `${{ ...a.seventh_read }}`.replace(/["'`{]x.nor_this/g, "x.nor_this");
        const made = { not_a_read: "x.nor_that", api_key: 1 };
    """
    seen = {f"{name}_read" for name in ["first", "third", "fourth", "fifth", "sixth", "seventh"]}
    assert names_read(script) == seen


def test_the_scripts_do_read_replies() -> None:
    """The names that only the API has are found where they are known to be read."""
    read = set().union(*(names_read(path.read_text(encoding="utf-8")) for path in SCRIPTS))
    assert {"per_second", "seconds_left"} <= read


def test_scripts_read_what_the_markup_holds() -> None:
    """Every `data-` attribute that a script reads or looks for stands in a template."""
    read: set[str] = set()
    for path in SCRIPTS:
        script = path.read_text(encoding="utf-8")
        named = re.findall(r"\.dataset\.(\w+)(?!\w|\s*\?\?=)", script)
        read |= {re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", name) for name in named}
        read |= set(re.findall(r"\[data-([a-z-]+)", script))
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    held = set(re.findall(r"\bdata-([a-z-]+)", templates))
    assert {"searched-for", "origin", "citation"} <= read
    # The words that a button had before it said something else; kept on it by the script.
    assert read - held == {"words"}


def test_actions_of_buttons_are_known() -> None:
    """Every action that the turn's markup names is one that its script takes, and no other is."""
    markup = next(path for path in TEMPLATES if path.name == "_turn.html")
    script = next(path for path in SCRIPTS if path.name == "turn.js").read_text(encoding="utf-8")
    named = set(
        re.findall(r'\bbutton\("\w+", [^)]*\), "([\w-]+)"\)', markup.read_text(encoding="utf-8"))
    )
    assert named == {"copy-quote", "copy-link", "helpful", "wrong"}
    assert {action for action in named if f'"{action}"' in script} == named


def test_a_turn_is_rendered_by_its_template_alone() -> None:
    """What only an answer says, no script says."""
    told = re.compile(
        r"""["'`](?:confidence|strength|passages|answer\.n\w+|turn\.searched_for)\b"""
    )
    for path in SCRIPTS:
        assert not told.findall(path.read_text(encoding="utf-8")), path.name
    markup = next(path for path in TEMPLATES if path.name == "_turn.html")
    assert len(told.findall(markup.read_text(encoding="utf-8"))) > 5
