"""A real directory (OpenLDAP's slapd) of the test run's own, with people, groups and rules about passwords."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.testing.servers import free_port

BASE = "dc=acme,dc=example"
ADMIN, PASSWORD = f"cn=admin,{BASE}", "a-hidden-password"
STARTED_WITHIN = 30.0
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openldap:/usr/libexec"
_CONFIGURATION = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'acmeBadge' DESC 'badge (with a paren)' EQUALITY integerMatch
  ORDERING integerOrderingMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.32473.1.2 NAME 'acmeRemote' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.32473.1.3 NAME 'acmeJoined' EQUALITY generalizedTimeMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'acmeStaff' SUP top AUXILIARY
  MAY ( acmeBadge $ acmeRemote $ acmeJoined ) )
pidfile {folder}/pid
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
moduleload sssvlv
TLSCACertificateFile {certificate}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
{rules}
sizelimit size.soft=20 size.hard=20 size.prtotal=60
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
maxsize 33554432
dbnosync
{sorting}
overlay ppolicy
ppolicy_default "cn=policy,{base}"
ppolicy_use_lockout
limits dn.exact="cn=service,{base}" size=20 size.prtotal=60
access to attrs=userPassword by anonymous auth by dn.exact="cn=service,{base}" write by * none
access to dn.subtree="ou=sealed,{base}" by * none
access to * by dn.exact="cn=service,{base}" write by dn.exact="cn=reader,{base}" read by anonymous read by * read
"""
_ENTRIES = """
dn: {base}
objectClass: dcObject
objectClass: organization
o: Acme
dc: acme

dn: cn=policy,{base}
objectClass: pwdPolicy
objectClass: device
cn: policy
pwdAttribute: userPassword
pwdMaxAge: 0
pwdLockout: TRUE
pwdMaxFailure: 3
pwdMustChange: FALSE

dn: cn=strict,{base}
objectClass: pwdPolicy
objectClass: device
cn: strict
pwdAttribute: userPassword
pwdMaxAge: 1

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: ou=sealed,{base}
objectClass: organizationalUnit
ou: sealed

dn: ou=elsewhere,{base}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://elsewhere.invalid/ou=elsewhere,dc=other
"""
_LOGIN = """
dn: cn={name},{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: {name}
userPassword: {password}
"""


class Directory:
    """One server, started and waited for. *certificate* is what it shows and its own authority, *log* what it says."""

    def __init__(self, server: str, folder: Path, certificate: Path) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = certificate
        self.log = folder / "log"
        self._words = [server, "-d", "stats", "-f", str(folder / "slapd.conf")]
        self._words += ["-h", f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Let it run."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        until = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    said = self.log.read_text("utf-8", "replace")[:2000]
                    raise AssertionError(f"slapd does not start: {said}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def ldif(self, text: str, tool: str = "ldapadd", who: str = ADMIN) -> None:
        """Change the directory beside the connector, by OpenLDAP's own programs."""
        words = [tool, "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", who, "-w", PASSWORD]
        words += ["-M"] if "ref:" in text else []
        words += ["-e", "relax"] if "pwdChangedTime" in text else []
        done = subprocess.run(words, input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    def find(self, text: str, *attributes: str, base: str = BASE) -> str:
        """Return what OpenLDAP's own program finds, as LDIF."""
        words = ["ldapsearch", "-LLL", "-x", "-o", "ldif-wrap=no", "-H", f"ldap://127.0.0.1:{self.port}"]
        words += ["-D", ADMIN, "-w", PASSWORD, "-b", base, text, *attributes]
        return subprocess.run(words, capture_output=True, check=True, text=True).stdout

    def emptied(self) -> None:
        """Take everybody and every group out."""
        names = [
            line
            for unit in ("people", "groups")
            for line in self.find("(objectClass=*)", "dn", base=f"ou={unit},{BASE}").splitlines()
            if line.startswith("dn:") and not line.startswith(f"dn: ou={unit}")
        ]
        if names:
            self.ldif("\n".join(f"{line}\nchangetype: delete\n" for line in names), "ldapmodify")


def program() -> str | None:
    """Return where the server's program is, None where it or its clients are missing."""
    return shutil.which("slapd", path=_PLACES) if shutil.which("ldapadd") else None


@contextmanager
def running(certificate: Path, rules: str = "", *, sorts: bool = True) -> Iterator[Directory]:
    """Run a server that shows *certificate*, a file with its key, with more *rules* of access; it may know no sorting.

    Skips the test where its programs are missing.
    """
    server = program()
    if server is None:
        pytest.skip("slapd or its clients are not on the PATH (hint: apt-get install slapd ldap-utils)")
    folder = Path(tempfile.mkdtemp(prefix="slapd-"))
    schema = next(one for one in ("/etc/ldap/schema", "/etc/openldap/schema") if Path(one).is_dir())
    modules = next(one for one in ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap") if Path(one).is_dir())
    (folder / "data").mkdir()
    text = _CONFIGURATION.format(
        schema=schema,
        modules=modules,
        folder=folder,
        certificate=certificate,
        rules=rules,
        sorting="overlay sssvlv" if sorts else "",
        base=BASE,
        admin=ADMIN,
        password=PASSWORD,
    )
    (folder / "slapd.conf").write_text(text, "utf-8")
    found = None
    try:
        found = Directory(server, folder, certificate)
        found.ldif(_ENTRIES.format(base=BASE))
        for name in ("service", "reader"):
            found.ldif(_LOGIN.format(name=name, base=BASE, password=PASSWORD))
        yield found
    finally:
        if found is not None:
            found.stop()
        shutil.rmtree(folder, ignore_errors=True)
