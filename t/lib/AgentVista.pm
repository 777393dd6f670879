# What the Test::Nginx suites share. A suite begins so:
#
#     use lib 't/lib';
#     use AgentVista;                       # before Test::Nginx::Socket
#     use Test::Nginx::Socket 'no_plan';
#
#     our $Key = key(account());
#
#     run_tests();
#
# Every block gets an http_config with the database and the zone, unless it
# names a database of its own; and must leave no [alert] and no [emerg] in the
# error log, unless it says itself what is to be in there. The server listens
# on a free port and lives in a directory of its own, so that suites can run
# side by side. ./scripts/test FILE provides the database.

package AgentVista;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use JSON::PP;
use OpenAPI;
use POSIX ();
use Time::HiRes ();

our @EXPORT = qw(
    account bearer batch database free_port iso key rows span sql trace uuid
    value zstd
);

my $Database = $ENV{AGENTVISTA_TEST_DATABASE};
my $Dir = $ENV{AGENTVISTA_TEST_DIR};
my $Json = JSON::PP->new->utf8->canonical;

if (!defined $Database || !defined $Dir) {
    print "Bail out! There is no test database: ./scripts/test $0\n";
    exit 255;
}

$ENV{TEST_NGINX_PORT} ||= free_port();
$ENV{TEST_NGINX_SERVROOT} ||= "$Dir/servroot-$$";
$ENV{TEST_NGINX_WORKER_USER} ||= 'root' if $> == 0;

require Test::Nginx::Util;

# Where Test::Base evaluates the data of blocks.
Exporter::export(__PACKAGE__, 'Test::Base::Filter');

Test::Nginx::Util::worker_connections(256);

Test::Nginx::Util::add_block_preprocessor(sub {
    my $block = shift;

    OpenAPI::watch_test_nginx();

    my $http_config = $block->http_config // '';

    if ($http_config !~ /\bagentvista_database\b/) {
        $block->set_value('http_config', <<_EOC_);
    agentvista_database "$Database";
    agentvista_zone 16m;

$http_config
_EOC_
    }

    if (!defined $block->error_log && !defined $block->no_error_log) {
        $block->set_value('no_error_log', "[alert]\n[emerg]\n");
    }
});


# The connection string of the database the suites share.
sub database {
    return $Database;
}


# A port nobody listens on, below those the kernel gives to clients.
sub free_port {
    while (1) {
        my $port = 20000 + int rand 12000;

        return $port
            if IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                     LocalPort => $port, Listen => 1);
    }
}


# What psql prints for an SQL text; fields are separated by tabs.
sub sql {
    my ($text) = @_;

    open my $psql, '-|', 'psql', '-XqAt', '-F', "\t", '-v', 'ON_ERROR_STOP=1',
         '-d', $Database, '-c', $text
        or die "psql: $!";

    local $/;
    my $out = <$psql> // '';
    close $psql or die "psql failed on: $text\n";

    $out =~ s{\n\z}{};
    return $out;
}


# The rows of a query, each an array reference; null is ''.
sub rows {
    return map { [split /\t/, $_, -1] } split /\n/, sql(@_);
}


# The first column of the first row.
sub value {
    my ($row) = rows(@_);

    return $row ? $row->[0] : undef;
}


# The text as a frame of zstd, by its command, with options of that.
sub zstd {
    my ($text, @options) = @_;

    my $path = "$Dir/zstd-$$";

    open my $file, '>:raw', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";

    open my $zstd, '-|:raw', 'zstd', '-qc', @options, $path
        or die "zstd: $!";

    local $/;
    my $out = <$zstd>;
    close $zstd or die "zstd failed\n";

    unlink $path;
    return $out;
}


# Makes an account and returns its id: account(events_limit => 10).
sub account {
    my %option = @_;

    my $name = $option{name} // 'test-' . uuid();
    my $limit = $option{events_limit} // 'null';

    return value("insert into agentvista.accounts (name, events_limit)"
                 . " values ('$name', $limit) returning id");
}


# Makes an API key of an account and returns it:
# key($account, scopes => 'read', expires => "now() + interval '1 second'").
sub key {
    my ($account, %option) = @_;

    my $key = 'av_' . unpack 'H*', random(32);
    my $scopes = $option{scopes} // 'read,write';
    my $expires = $option{expires} // 'null';
    my $prefix = substr $key, 0, 11;

    sql("insert into agentvista.api_keys"
        . " (account_id, key_hash, prefix, scopes, expires_at)"
        . " values ('$account', sha256('$key'), '$prefix',"
        . " string_to_array('$scopes', ','), $expires)");

    return $key;
}


# The request header that carries a key.
sub bearer {
    return "Authorization: Bearer $_[0]";
}


# Random bytes: perl's own generator is seeded with the process id.
sub random {
    my ($length) = @_;

    open my $urandom, '<:raw', '/dev/urandom' or die "/dev/urandom: $!";
    read $urandom, my ($bytes), $length;

    return $bytes;
}


# A random (version 4) UUID.
sub uuid {
    my @n = unpack 'n8', random(16);

    $n[3] = $n[3] & 0x0fff | 0x4000;
    $n[4] = $n[4] & 0x3fff | 0x8000;

    return sprintf '%04x%04x-%04x-%04x-%04x-%04x%04x%04x', @n;
}


# The time so many seconds from now, in ISO 8601 with milliseconds.
sub iso {
    my $time = Time::HiRes::time() + ($_[0] // 0);

    return POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $time)
           . sprintf '.%03dZ', ($time - int $time) * 1000;
}


# A span, a trace with its spans, and the body of a batch, with defaults for
# what is not given: batch(trace({ agent => 'a' }, span(name => 'x')), ...).
sub span {
    return { span_id => uuid(), name => 'step', started_at => iso(-1),
             ended_at => iso(), @_ };
}


sub trace {
    my ($header, @spans) = @_;

    return { trace => { trace_id => uuid(), agent => 'tester',
                        started_at => iso(-1), ended_at => iso(),
                        %{ $header // {} } },
             spans => \@spans };
}


sub batch {
    return $Json->encode({ traces => [@_] });
}


1;
