"""What travels over HTTP: the request bodies that are accepted, the responses that are promised.

The OpenAPI document is made from these models, and every response is validated against them
before it leaves.
"""
