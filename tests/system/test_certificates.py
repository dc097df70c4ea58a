"""deploy/guides/certificates.md as an operator would follow it, with Pebble for the authority; then renewals under load."""

import os
import shutil
import sys
import unittest

import document_session
import harness

GUIDE = harness.ROOT / "deploy" / "guides" / "certificates.md"

# Goes on in the shell of the guide: Gatehouse runs, with the first certificate of the authority.
CHECKS = r"""
asked() { curl --cacert "$ACME_ROOT" --resolve '*:443:127.0.0.1' --resolve '*:80:127.0.0.1' "$@"; }
serial() { openssl x509 -noout -serial -in /etc/gatehouse/certificates/shop.pem; }
served() { openssl s_client -connect 127.0.0.1:443 -servername shop.example.com </dev/null 2>/dev/null | openssl x509 -noout -serial; }

mkdir -p /srv/shop && echo shop > /srv/shop/index.html
python3 -m http.server 5000 --bind 127.0.0.1 --directory /srv/shop >/dev/null 2>&1 & site=$!
until asked --fail https://shop.example.com/ >/dev/null 2>&1; do sleep 0.1; done

# Every protocol has a certificate that the authority's root vouches for, by both names.
for protocol in --http1.1 --http2 --http3-only; do
  for name in shop.example.com www.shop.example.com; do
    test "$(asked "$protocol" "https://$name/")" = shop
  done
done
first=$(serial)
test "$first" = "$(served)"

# All else on port 80 is redirected; the challenges are not.
test "$(asked --output /dev/null --write-out '%{http_code} %{redirect_url}' http://shop.example.com/a)" = '308 https://shop.example.com/a'
test "$(asked --output /dev/null --write-out '%{http_code}' http://shop.example.com/.well-known/acme-challenge/none)" = 404

# Renewed while requests run over each protocol: none fails, the process stays, all have the new certificate.
pid=$(pgrep --full 'gatehouse run')
clients=
for protocol in --http1.1 --http2 --http3-only; do
  (while [ ! -e /run/renewed ]; do asked --fail "$protocol" https://shop.example.com/ >/dev/null || echo "$protocol" >> /run/failed; done) &
  clients="$clients $!"
done
dehydrated --cron --force > /run/dehydrated.log || { cat /run/dehydrated.log; false; }
touch /run/renewed
wait $clients
test ! -e /run/failed
test "$pid" = "$(pgrep --full 'gatehouse run')"
test "$first" != "$(serial)"
test "$(served)" = "$(serial)"
second=$(serial | sed 's/serial=0*//')
for protocol in --http1.1 --http2 --http3-only; do
  asked "$protocol" --output /dev/null --write-out '%{certs}' https://shop.example.com/ | tr -d ':' | grep --ignore-case "serial number.*$second" >/dev/null
done

# A hook that copied half of it changes nothing.
echo broken > /etc/gatehouse/certificates/shop-key.pem
if gatehouse reload /etc/gatehouse/gatehouse.toml; then false; fi
for protocol in --http1.1 --http2 --http3-only; do test "$(asked "$protocol" https://shop.example.com/)" = shop; done
gatehouse stop /etc/gatehouse/gatehouse.toml
kill "$site"
"""


class Certificates(unittest.TestCase):
    def test_the_guide_gets_and_renews_a_certificate_over_http_01(self):
        code, said = document_session.start(WAY, "certify", GUIDE, CHECKS)
        self.assertEqual(code, 0, said)


WAY = document_session.way_in()

if __name__ == "__main__":
    missing = [program for program in ("pebble", "pebble-challtestsrv", "dehydrated") if not shutil.which(program)]
    if WAY is None or missing or os.geteuid() != 0:  # the guide's app has a user of its own
        print(f"not installed: {', '.join(missing)}" if missing else "this machine lets us make no namespaces with users")
        sys.exit(77)
    harness.main()
