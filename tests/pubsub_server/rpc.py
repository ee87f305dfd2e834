"""A gRPC service of plain functions: statuses for `Refused`, and the refusals that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc

from .broker import Broker, Refused

Context = grpc.ServicerContext


def service(
    name: str,
    broker: Broker,
    methods: dict[str, tuple[Callable[[Any], Any], Any]],
    streams: dict[str, tuple[Callable[[Iterator[Any], Context], Iterator[Any]], Any]] | None = None,
) -> grpc.GenericRpcHandler:
    """The handlers of one service. `methods` and `streams`: name to function and class of the request."""

    def unary(method: str, function: Callable[[Any], Any]) -> Callable[[Any, Context], Any]:
        def call(request: Any, context: Context) -> Any:
            try:
                _refuse(broker, method)
                return function(request)
            except Refused as refused:
                context.abort(refused.status, str(refused))

        return call

    def both_ways(method: str, function: Callable[..., Any]) -> Callable[[Iterator[Any], Context], Iterator[Any]]:
        def call(requests: Iterator[Any], context: Context) -> Iterator[Any]:
            try:
                _refuse(broker, method)
                yield from function(requests, context)
            except Refused as refused:
                context.abort(refused.status, str(refused))

        return call

    def serialize(message: Any) -> bytes:
        return message.SerializeToString()

    handlers = {
        method: grpc.unary_unary_rpc_method_handler(unary(method, function), request.pb().FromString, serialize)
        for method, (function, request) in methods.items()
    }
    for method, (function, request) in (streams or {}).items():
        handlers[method] = grpc.stream_stream_rpc_method_handler(
            both_ways(method, function), request.pb().FromString, serialize
        )
    return grpc.method_handlers_generic_handler(name, handlers)


def _refuse(broker: Broker, method: str) -> None:
    if method in broker.faults.refuse:
        raise Refused(broker.faults.refuse[method], f"{method} is refused by the test")
