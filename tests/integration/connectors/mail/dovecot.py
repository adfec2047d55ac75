"""A real IMAP server (Dovecot) of the test run's own."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.testing.servers import free_port
from tests.integration.connectors.mail.servers import PASSWORD, imap

_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
{tls}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
{rights}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@contextmanager
def running(certificate: Path | None = None) -> Iterator[int]:
    """Run a server with an empty inbox and a folder `Done`; give its port. Skips the test where it is missing.

    With a *certificate*, a file with its key, it knows STARTTLS, and TLS from the first byte at the port after that.
    """
    program = shutil.which("dovecot", path=_PLACES)
    if program is None:
        pytest.skip("dovecot is not on the PATH (hint: apt-get install dovecot-imapd)")
    folder, port = Path(tempfile.mkdtemp(prefix="dovecot-")), free_port()
    mail = folder / "mail"
    mail.mkdir()
    folder.chmod(0o755)
    rights, user, group = "", getpass.getuser(), grp.getgrgid(os.getegid()).gr_name
    if os.geteuid() == 0:  # it lets no mail belong to root
        user, group = "nobody", grp.getgrgid(65534).gr_name
        shutil.chown(mail, user)
    else:
        rights = f"default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}"
    tls = f"ssl = yes\nssl_cert = <{certificate}\nssl_key = <{certificate}" if certificate is not None else "ssl = no"
    (folder / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            tls=tls,
            tls_port=port + 1 if certificate is not None else 0,
            user=user,
            group=group,
            rights=rights,
            password=PASSWORD,
        )
    )
    server = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.DEVNULL)
    try:
        with imap(port) as line:
            line.create("Done")
        yield port
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
