"""The API's description in OpenAPI 3.1. It is served at /openapi.json, and the tests compare the service with it."""

from typing import Any

from sms.messages import FINISHED, UNFINISHED

Json = dict[str, Any]

TIME = {"type": ["string", "null"], "format": "date-time", "description": "ISO 8601, UTC"}
SECONDS = {"type": "integer", "minimum": 1}
LIMITS = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "the client's limits (an IETF draft's field)"},
    "RateLimit": {"schema": {"type": "string"}, "description": "the remaining permits, and the seconds to the reset"},
}
RETRY = {"Retry-After": {"schema": SECONDS, "required": True, "description": "seconds"}}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "title", "detail"],
            "properties": {
                "status": {"type": "integer"},
                "title": {"type": "string"},
                "detail": {"type": "string"},
                "problems": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "problem"],
                        "properties": {
                            "field": {"type": "string"},
                            "problem": {"type": "string"},
                            "allowed": {"type": "string"},
                            "value": {"type": "string"},
                        },
                    },
                },
            },
        }
    },
}


def json_of(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def error(description: str, headers: Json | None = None) -> Json:
    return {
        "description": description,
        "content": json_of({"$ref": "#/components/schemas/Error"}),
        "headers": headers or {},
    }


def description(new_message: Json) -> Json:
    """The whole document. `new_message` is the schema of a posted message."""
    refused = {
        "401": error(
            "The request has no client's token.", {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
        ),
        "429": error("The request exceeds a limit of the client, or of all clients together.", RETRY),
        "503": error("Nothing can be stored or read at the moment.", RETRY),
    }
    id = {"type": "string", "description": "of a message"}
    message = {
        "type": "object",
        "required": ["id", "status", "attempts", "created_at", "updated_at", "sent_at", "failed_at", "error"],
        "properties": {
            "id": id,
            "status": {"enum": [*UNFINISHED, *FINISHED]},
            "attempts": {"type": "integer", "minimum": 0},
            "created_at": TIME,
            "updated_at": TIME,
            "sent_at": TIME,
            "failed_at": TIME,
            "error": {"type": ["string", "null"], "description": "why the last attempt failed"},
        },
    }
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "sms", "version": "1", "description": "Sends text messages. Accepted messages are stored."},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"NewMessage": new_message, "Message": message, "Error": ERROR, "Status": status},
        },
        "paths": {
            "/messages": {
                "post": {
                    "operationId": "postMessage",
                    "summary": "Stores a message and queues it.",
                    "security": [{"token": []}],
                    "parameters": [
                        {
                            "name": "Idempotency-Key",
                            "in": "header",
                            "description": "If a request is repeated with the same key, no second message is stored.",
                            "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "content": json_of({"$ref": "#/components/schemas/NewMessage"}),
                    },
                    "responses": {
                        "202": {
                            "description": "The message is stored and will be sent.",
                            "content": json_of({"type": "object", "required": ["id"], "properties": {"id": id}}),
                            "headers": LIMITS | {"Location": {"schema": {"type": "string"}, "required": True}},
                            "links": {
                                "message": {"operationId": "getMessage", "parameters": {"id": "$response.body#/id"}}
                            },
                        },
                        "400": error("The request is not valid. Each problem is listed."),
                        "403": error("This client may not send."),
                        "409": error("The key was already used with another message."),
                        "413": error("The body is larger than 16 KiB."),
                        "415": error("The body is not application/json, or it is compressed."),
                        **refused,
                    },
                }
            },
            "/messages/{id}": {
                "get": {
                    "operationId": "getMessage",
                    "summary": "Returns the state of a message.",
                    "security": [{"token": []}],
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": id}],
                    "responses": {
                        "200": {
                            "description": "The state, without the number and the text.",
                            "content": json_of({"$ref": "#/components/schemas/Message"}),
                            "headers": LIMITS,
                        },
                        "404": error("The client has no such message, or the message was deleted after its retention."),
                        **refused,
                    },
                }
            },
            "/healthz": {"get": plain("The process is running.", {})},
            "/readyz": {"get": plain("This instance takes requests.", {"503": error("It is starting or draining.")})},
            "/openapi.json": {"get": plain("This description.", {}, {"type": "object"})},
        },
    }


def plain(summary: str, more: Json, schema: Json | None = None) -> Json:
    """An operation that needs no token."""
    schema = schema or {"$ref": "#/components/schemas/Status"}
    return {"summary": summary, "responses": {"200": {"description": summary, "content": json_of(schema)}, **more}}
