"""Armazém: the warehouse of an e-commerce platform, on a laptop and on Google Cloud."""


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # not before Ctrl-C is looked after: it takes a while

    try:
        return version("armazem")
    except PackageNotFoundError:  # a folder of source on the path
        return "0+source"
