"""py-libp2p's errors in the bridge's words."""

from collections.abc import Iterator

from libp2p.network.stream.exceptions import StreamReset
from libp2p.protocol_muxer.exceptions import MultiselectClientError
from libp2p.stream_muxer.exceptions import MuxedStreamReset


def explain(error: BaseException) -> str:
    """The error and what caused it, outermost first."""
    return ": ".join(f"{type(e).__name__} {e}".strip() for e in _causes(error))


def kind(error: BaseException) -> str:
    """"refused", "reset" or nothing."""
    for e in _causes(error):
        # There is a type for "na", but select_one_of keeps only its text.
        if isinstance(e, MultiselectClientError) and str(e).startswith("protocols not supported"):
            return "refused"
        if isinstance(e, (StreamReset, MuxedStreamReset)):
            return "reset"
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
