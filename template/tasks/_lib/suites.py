"""The kinds of tests, and what each means to cargo."""

from .run import ROOT

# Those that need nothing but the compiler.
ALONE = {"unit": ("--lib", "--bins"), "functional": ("--test=it",)}
INTEGRATION = "integration"


def with_servers() -> list[str]:
    """Return cargo's flags for the tests that need servers; none where no test does."""
    return [f"--test={target}" for target in sorted({path.stem for path in ROOT.glob("crates/*/tests/*.rs")})]
