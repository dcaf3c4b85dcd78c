#!/bin/sh
# Says which Debian packages are missing, asks, and installs them.
#
#   tools/deps.sh demo|test|bench      YES=1 installs without asking
#
# It never removes a package, and no service runs afterwards that did not run before: Gatepost starts
# Dovecot and Postfix itself, and its tests start providers and applications, each with a configuration
# of their own.
#
# shellcheck disable=SC2086 # lists of package names are meant to fall apart into words
set -eu
cd "$(dirname "$0")/.."

engines='dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved dovecot-sieve postfix'

# Those with a command are satisfied by it, wherever it comes from. Without Net::SSLeay swaks has no TLS.
clients='curl:curl swaks:swaks libnet-ssleay-perl python3:python3'
node='nodejs:node npm:npm'
pages="chromium:chromium $node"

# OpenID providers that tests sign in at. The portal needs the Perl modules below, although it only
# recommends them: two for OpenID Connect, two for a captcha that it loads but does not show.
glewlwyd='glewlwyd dbconfig-sqlite3 sqlite3:sqlite3'
lemonldap='liblemonldap-ng-portal-perl libstring-random-perl libio-string-perl
    libgd-securityimage-perl libimage-magick-perl'
providers="$glewlwyd $lemonldap python3-venv"

# Applications that sign people in: Apache without its service, and Roundcube. php-cgi stands first,
# or PHP would come as a module for the Apache that the machine may have.
applications='php-cgi php-cli apache2-bin libapache2-mod-auth-openidc roundcube-core roundcube-sqlite3'

# What would run by itself after its package was installed, as NAME:PACKAGE.
services='dovecot:dovecot-core postfix:postfix glewlwyd:glewlwyd
    lemonldap-ng-fastcgi-server:lemonldap-ng-fastcgi-server
    liblemonldap-ng-handler-perl:liblemonldap-ng-handler-perl
    liblemonldap-ng-handler-perl.timer:liblemonldap-ng-handler-perl
    liblemonldap-ng-portal-perl:liblemonldap-ng-portal-perl
    liblemonldap-ng-portal-perl.timer:liblemonldap-ng-portal-perl
    phpsessionclean:php-common phpsessionclean.timer:php-common
    roundcube-gc:roundcube-core roundcube-gc.timer:roundcube-core'

build='gcc:cc libc6-dev git:git'

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints those of the given packages that are not there.
missing() {
    for entry in "$@"; do
        package=${entry%%:*}
        case $entry in
        *:*) command -v "${entry#*:}" >/dev/null 2>&1 || echo "$package" ;;
        *) installed "$package" || echo "$package" ;;
        esac
    done
}

# Whether the distribution's own service runs.
running() {
    if [ -d /run/systemd/system ]; then
        systemctl is-active --quiet "$1"
        return
    fi
    case $1 in
    dovecot) pid=/run/dovecot/master.pid ;;
    postfix) pid=/var/spool/postfix/pid/master.pid ;;
    glewlwyd) pid=/run/glewlwyd.pid ;;
    lemonldap-ng-fastcgi-server)
        pid=/run/llng-fastcgi-server/llng-fastcgi-server.pid
        ;;
    *) return 1 ;; # known to systemd alone
    esac
    [ -s "$pid" ] && kill -0 "$(tr -d ' ' <"$pid")" 2>/dev/null
}

# As root: installs the packages given.
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    plan() { apt-get install --simulate --no-install-recommends "$@"; }
    if ! plan "$@" >/dev/null 2>&1; then
        apt-get update
    fi
    removed=$(plan "$@" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
    if [ -n "$removed" ]; then
        echo "These packages would have to go: $removed" >&2
        echo "Gatepost removes nothing. If they may go, run this yourself, then start again:" >&2
        echo "    apt-get install --no-install-recommends $*" >&2
        return 1
    fi

    stopped=''
    fresh=''
    for service in $services; do
        running "${service%%:*}" || stopped="$stopped ${service%%:*}"
        installed "${service#*:}" || fresh="$fresh ${service%%:*}"
    done

    # Debian starts a service as soon as it is installed, unless this file says no. One that is
    # already there belongs to the administrator and stays as it is.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ] && [ -n "$stopped" ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        trap 'exit 1' INT TERM HUP
        {
            echo '#!/bin/sh'
            echo '# Made by tools/deps.sh of Gatepost for one run of apt-get; it goes by itself.'
            for service in $stopped; do
                echo "case \$1 in $service | $service.* | $service@*) exit 101 ;; esac"
            done
            echo 'exit 0'
        } >"$policy"
        chmod 755 "$policy"
    fi

    # What is there already keeps what its administrator answered.
    if command -v debconf-set-selections >/dev/null 2>&1; then
        installed postfix ||
            echo 'postfix postfix/main_mailer_type select Local only' | debconf-set-selections
        installed glewlwyd ||
            echo 'glewlwyd glewlwyd/config_type select No configuration' | debconf-set-selections
        # Neither a database nor a place in a web server of this machine.
        installed roundcube-core || debconf-set-selections <<'EOF'
roundcube-core roundcube/dbconfig-install boolean false
roundcube-core roundcube/reconfigure-webserver multiselect
EOF
    fi
    # Glewlwyd's installation ends with a sample from its documentation, which slim machines leave out.
    fetch() {
        apt-get install --yes --no-remove --no-install-recommends \
            -o 'Dpkg::Options::=--path-include=/usr/share/doc/glewlwyd/*' "$@"
    }
    # Lists of last month name versions that the mirror has dropped: once more with new ones.
    fetch "$@" || { apt-get update && fetch "$@"; } || return 1

    for service in $stopped; do
        if ! running "$service"; then
            continue
        elif [ -d /run/systemd/system ]; then
            systemctl stop "$service"
        else
            service "$service" stop
        fi
    done
    # A fresh package would also start at the next boot, on the ports that Gatepost is to have.
    for service in $fresh; do
        if [ -d /run/systemd/system ]; then
            systemctl disable --quiet "$service" || true
        elif [ -e "/etc/init.d/$service" ]; then
            update-rc.d "$service" disable >/dev/null 2>&1 || true
        fi
    done
}

case ${1:-} in
demo) set -- $build $engines $clients ;;
test) set -- $build $engines $clients $pages $providers $applications shellcheck ;;
bench) set -- $build $engines $node dovecot-sqlite valgrind ;;
--as-root)
    shift
    install_packages "$@"
    exit
    ;;
*)
    echo "usage: tools/deps.sh demo|test|bench" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is not Debian or a relative of it. Gatepost's demo and tests use:" >&2
    for entry in "$@"; do echo "    ${entry%%:*}" >&2; done
    exit 1
fi
packages=$(missing "$@")
[ -z "$packages" ] && exit 0

echo "Missing Debian packages:"
for package in $packages; do echo "    $package"; done
sudo=''
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ "${YES:-}" != 1 ]; then
    if [ ! -t 0 ]; then
        echo "Run it again with YES=1 to install them." >&2
        exit 1
    fi
    printf 'Install them now (nothing is removed, no service is started)? [y/N] '
    read -r answer
    case $answer in
    y | Y | yes) ;;
    *)
        echo "Not installed." >&2
        exit 1
        ;;
    esac
fi
$sudo sh tools/deps.sh --as-root $packages
