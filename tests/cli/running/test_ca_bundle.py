"""The CA files that commands are pointed at."""

import stat
from pathlib import Path

from proxy_core.base.paths import Home
from vault_tui.cli.running import ca_bundle

OWN = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


def make_home(tmp_path: Path) -> Home:
    """A prepared home."""
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_the_bundle_holds_the_users_roots_and_ours(tmp_path: Path) -> None:
    """A corporate root that the user trusts through SSL_CERT_FILE stays trusted."""
    home = make_home(tmp_path)
    corporate = tmp_path / "corporate.pem"
    corporate.write_text("corporate\n")
    ca_bundle.write_ca_files(home, OWN, {"SSL_CERT_FILE": str(corporate)})
    assert ca_bundle.bundle_path(home).read_text() == "corporate\n" + OWN
    assert ca_bundle.ca_path(home).read_text() == OWN
    assert stat.S_IMODE(ca_bundle.bundle_path(home).stat().st_mode) == 0o600


def test_a_ca_named_for_the_worker_is_in_both(tmp_path: Path) -> None:
    """The worker's own certificate is to be trusted as the leaves are."""
    home = make_home(tmp_path)
    ca_bundle.write_ca_files(home, OWN, {}, more="theirs\n")
    assert ca_bundle.ca_path(home).read_text() == OWN + "theirs\n"
    assert ca_bundle.bundle_path(home).read_text().endswith(OWN + "theirs\n")


def test_a_bundle_never_contains_itself(tmp_path: Path) -> None:
    """Inside another run, SSL_CERT_FILE names our bundle: ours is not added twice."""
    home = make_home(tmp_path)
    ca_bundle.write_ca_files(home, OWN, {})
    ca_bundle.write_ca_files(home, OWN, {"SSL_CERT_FILE": str(ca_bundle.bundle_path(home))})
    assert ca_bundle.bundle_path(home).read_text().count("ours") == 1


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    """A second run does not replace what the first one reads."""
    home = make_home(tmp_path)
    ca_bundle.write_ca_files(home, OWN, {})
    before = ca_bundle.bundle_path(home).stat().st_ino
    ca_bundle.write_ca_files(home, OWN, {})
    assert ca_bundle.bundle_path(home).stat().st_ino == before
