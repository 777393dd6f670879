# Answers in chunks, and what goes away meanwhile: the database, the worker,
# the client.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista ();
use PrivateNginx;
use PrivatePostgres;
use Test::More;

PrivateNginx::guard(150);

my $pg = PrivatePostgres->new;
my $server = AgentMark->new(database => $pg->conninfo, timeout => '4s',
                            http => "    agentvista_statement_timeout 3s;\n");
my $nginx = $server->nginx;

my ($account, $key) = ('11111111-2222-4333-8444-555555555555',
                       'av_' . '5' x 64);

$pg->sql("insert into agentvista.accounts (id, name)"
         . " values ('$account', 'chunks');"
         . " insert into agentvista.api_keys"
         . " (account_id, key_hash, prefix, scopes) values ('$account',"
         . " sha256('$key'), 'av_55555555', '{read,write}')");

my $app = $server->app(account => $account, key => $key);
my $trace = hex_id(32);
my $text = join '', map { chr(33 + $_ % 90) } map { $_ * $_ } 1 .. 20000;
my $path = "/v1/traces/$trace?limit=500";

$app->send(map { span(trace => $trace, name => $_,
                      attributes => { 'agentmark.input' => "$_ $text" }) }
           $_ * 50 .. $_ * 50 + 49) for 0 .. 9;


# Asks and reads the first of the answer; the rest is up to the caller.
sub begin {
    my ($version) = @_;

    my $socket = $nginx->connect;

    print $socket join("\r\n", "GET $path HTTP/1.$version", 'Host: x',
                       'Connection: close', @{ $app->{header} }, '', '');
    sysread $socket, my ($part), 100_000;

    return ($socket, $part);
}


# The rest of an answer, to the connection's end.
sub rest {
    my ($socket) = @_;

    my $length = 0;

    while (1) {
        my $n = sysread $socket, my ($part), 1_000_000;

        return ($length, $n) if !$n;
        $length += $n;
    }
}


my $whole = $app->get($path);

ok(length $whole->{body} > 20_000_000, 'a large answer');

subtest 'the database dies meanwhile' => sub {
    my ($socket, $part) = begin(1);

    like($part, qr/^HTTP\/1\.1 200 /, 'it has begun');
    like($part, qr/^Transfer-Encoding: chunked\r$/m, 'in chunks');
    select undef, undef, undef, 0.5;
    $pg->kill;

    my ($length) = rest($socket);

    cmp_ok($length, '<', 20_000_000, 'the answer is broken off');
    ok($nginx->log =~ /an answer was broken off/, 'as the log says');

    my $health = $server->app(header => [])->get('/v1/health/ingestion');

    is($health->{status}, 503, 'health: status');
    is($health->{json}{status}, 'unhealthy', 'health: in words');

    my $answer = $app->get($path);
    is($answer->{status}, 503, 'others get 503');
    ok($answer->{header}{'retry-after'}, 'with Retry-After');
    ok(defined $answer->{json}{error}, 'in their form');

    $pg->start;
    ok($nginx->ready, 'the database is back');
    ok($app->get($path)->{body} eq $whole->{body}, 'and so is the answer');
};


subtest 'a query takes too long' => sub {
    my ($socket, $part) = begin(1);

    select undef, undef, undef, 0.5;
    $pg->hold('agentvista.spans', 12);

    my ($length) = rest($socket);

    cmp_ok($length, '<', 20_000_000, 'the answer is broken off');
    is($app->get('/v1/traces?limit=1')->{status}, 503, 'others get 503');
    $pg->sql('begin; lock table agentvista.spans; commit');
    is($app->get($path)->{status}, 200, 'all is well again');
};


subtest 'clients leave' => sub {
    ok($nginx->connected, 'all connections are there');

    my $before = $nginx->descriptors;

    for (1 .. 30) {
        my ($socket) = begin($_ % 2);
        close $socket;
    }

    is($app->get($path)->{status}, 200, 'others are served');
    ok(PrivateNginx::wait_for(5, sub { $nginx->descriptors <= $before }),
       'nothing is left open')
        or diag($nginx->descriptors . " descriptors, were $before");
};


subtest 'a worker that is told to quit' => sub {
    my ($socket, $part) = begin(0);

    $nginx->reload;
    select undef, undef, undef, 0.5;

    my ($length) = rest($socket);
    my ($body) = $part =~ /\r\n\r\n(.*)/s;

    is($length + length $body, length $whole->{body},
       'sends the rest before it goes');
    ok($nginx->wait_workers(10), 'and goes');
    is($app->get($path)->{status}, 200, 'the new one serves');
};


# A worker may end with a connection to a database that was killed.
is(scalar $nginx->logged(qw(alert emerg crit)), 0,
   'nothing alarming in the log');

done_testing();
