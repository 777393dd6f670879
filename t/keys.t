# API keys over time: the shared cache, revocation on every worker, expiry,
# floods of guesses, and a database that is away.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Socket::INET;
use PrivatePostgres;
use Test::Nginx::Socket 'no_plan';
use Time::HiRes 'sleep';

no_root_location();
no_shuffle();

master_on();
workers(2);

our $Account = account();
our $Pg = PrivatePostgres->new;

our $Guarded = <<'END';
    location = /gif { agentvista_access read; empty_gif; }
    location = /metrics { agentvista_status metrics; }
    keepalive_requests 100000;
END

our $Hits = qr/^agentvista_key_lookups_total\{result="hit"\} (\d+)$/m;
our $Misses = qr/^agentvista_key_lookups_total\{result="miss"\} (\d+)$/m;
our $Known = qr/^agentvista_cached_keys\{kind="known"\} (\d+)$/m;
our $UnknownKeys = qr/^agentvista_cached_keys\{kind="unknown"\} (\d+)$/m;

# Section "after" of a block: perl, to be run in this package after the first
# request. It may return more subroutines: for after the next ones.
our @after;

add_response_body_check(sub {
    my ($block, $body, $index, $repeated, $dry_run) = @_;

    return if $dry_run || !defined $block->after;

    if ($index == 0) {
        listening();
        @after = eval 'package main; ' . $block->after;
        die $@ if $@;
        return;
    }

    my $next = shift @after;
    $next->() if $next;
});

# Requests over connections of their own, so that every worker gets some:
# returns how many got which status.
sub ask {
    my ($key, $times) = @_;

    my %count;

    for (1 .. $times) {
        my $socket = client();
        print $socket "GET /gif HTTP/1.0\r\nAuthorization: Bearer $key\r\n\r\n";
        my $line = <$socket> // '';
        $count{$line =~ /^HTTP\/1.1 (\d+)/ ? $1 : "no answer"}++;
    }

    return join ' ', map { "$_:$count{$_}" } sort keys %count;
}

# The same, not one after the other.
sub ask_at_once {
    my ($key, $times) = @_;

    my %count;
    my @sockets = map { client() } 1 .. $times;

    print $_ "GET /gif HTTP/1.0\r\nAuthorization: Bearer $key\r\n\r\n"
        for @sockets;

    for my $socket (@sockets) {
        my $line = <$socket> // '';
        $count{$line =~ /^HTTP\/1.1 (\d+)/ ? $1 : "no answer"}++;
    }

    return join ' ', map { "$_:$count{$_}" } sort keys %count;
}

# Requests with one key each, over one connection: returns the same.
sub ask_each {
    my %count;
    my $socket = client();

    for my $key (@_) {
        print $socket "HEAD /gif HTTP/1.1\r\nHost: x\r\n"
                      . "Authorization: Bearer $key\r\n\r\n";
        my $line = <$socket> // '';
        $count{$line =~ /^HTTP\/1.1 (\d+)/ ? $1 : "no answer"}++;
        while (defined($line = <$socket>) && $line ne "\r\n") {}
    }

    return join ' ', map { "$_:$count{$_}" } sort keys %count;
}

sub client {
    return IO::Socket::INET->new(
               PeerAddr => "127.0.0.1:" . server_port(), Timeout => 5)
           // die "connect: $!";
}

sub metric {
    my ($pattern) = @_;

    my $socket = client();
    print $socket "GET /metrics HTTP/1.0\r\n\r\n";
    local $/;

    return <$socket> =~ $pattern ? $1 : undef;
}

sub random_key { return 'av_' . join '', map { sprintf '%08x', rand 2**32 } 1 .. 8 }

# Until nginx has heard of all that was committed before. Notifications keep
# their order: so until a key is good that it took for unknown, and that is made
# only now.
sub told {
    my $key = random_key();

    is(ask($key, 1), '401:1', 'a key that there is not yet');
    sql("insert into agentvista.api_keys (account_id, key_hash, prefix, scopes)
         values ('$::Account', sha256('$key'), left('$key', 11), '{read}')");
    within(10, sub { ask($key, 1) eq '200:1' }) or die 'nginx is not told';
}

# Until it listens: what it caches before is read again then.
sub listening {
    within(10, sub { metric(qr/^agentvista_database_listening (\d)$/m) })
        or die 'nginx does not listen';
}

sub within {
    my ($seconds, $true) = @_;

    for (1 .. $seconds * 50) {
        return 1 if $true->();
        sleep 0.02;
    }

    return 0;
}

# Keys made in bulk, in either database.
sub make_keys {
    my ($sql, $account, $name, $n) = @_;

    $sql->("insert into agentvista.api_keys (account_id, key_hash, prefix, scopes)
            select '$account', sha256(convert_to('av_' || k, 'UTF8')),
                   'av_' || left(k, 8), '{read}'
            from (select encode(sha256(convert_to('$name' || i, 'UTF8')), 'hex')
                  from generate_series(1, $n) i) x (k)");

    require Digest::SHA;
    return map { 'av_' . Digest::SHA::sha256_hex($name . $_) } 1 .. $n;
}

our $PgAccount = $Pg->sql("insert into agentvista.accounts (name)
                           values ('keys') returning id");
our ($PgCached, $PgOther, $PgThird) =
    make_keys(sub { $Pg->sql(@_) }, $PgAccount, 'key', 3);
our $PgConfig = "agentvista_database \"" . $Pg->conninfo
                . "\"; agentvista_zone 1m;";

run_tests();

__DATA__

=== TEST 1: a key is read from the database once, for all workers
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account);
is(ask($key, 50), '200:50', 'the key is good');
ok(metric($::Misses) <= 2, 'one or two lookups');
ok(metric($::Hits) >= 48, 'the others are hits');



=== TEST 2: an unknown key is remembered, too, and counted
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = random_key();
is(ask($key, 50), '401:50', 'the key is bad');
ok(metric($::Misses) <= 2, 'one or two lookups');
is(metric($::UnknownKeys), 1, 'one entry');



=== TEST 3: a revoked key is refused at once, by every worker
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account);
is(ask($key, 30), '200:30', 'the key is good');
sql("update agentvista.api_keys set revoked_at = now()
     where key_hash = sha256('$key')");
told();
is(ask($key, 30), '401:30', 'the key is bad');



=== TEST 4: so is a deleted one, and the key of a deleted account
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $account = account();
my ($one, $two) = (key($account), key($account));
is(ask_each($one, $two), '200:2', 'the keys are good');
sql("delete from agentvista.api_keys where key_hash = sha256('$one')");
told();
is(ask($one, 20), '401:20', 'the deleted key is bad');
is(ask($two, 20), '200:20', 'the other is good');
sql("delete from agentvista.accounts where id = '$account'");
told();
is(ask($two, 20), '401:20', 'that of a deleted account is bad');



=== TEST 5: a key that is made after it was asked for is good at once
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = random_key();
is(ask($key, 20), '401:20', 'the key is bad');
sql("insert into agentvista.api_keys (account_id, key_hash, prefix, scopes)
     values ('$::Account', sha256('$key'), left('$key', 11), '{read}')");
told();
is(ask($key, 20), '200:20', 'the key is good');



=== TEST 6: changed scopes and times take effect at once
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account, expires => "now() + interval '1 hour'");
my $set = sub { sql("update agentvista.api_keys set $_[0]
                     where key_hash = sha256('$key')"); told() };
is(ask($key, 20), '200:20', 'the key is good');
$set->("scopes = '{write}'");
is(ask($key, 20), '403:20', 'the scope is gone');
$set->("scopes = '{read}', expires_at = now()");
is(ask($key, 20), '401:20', 'the key has expired');
$set->("expires_at = 'infinity'");
is(ask($key, 20), '200:20', 'the key is good for ever');



=== TEST 7: a cached key expires when its time has come
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account, expires => "now() + interval '1.5 seconds'");
is(ask($key, 20), '200:20', 'the key is good');
sleep 1.8;
is(ask($key, 20), '401:20', 'the key has expired');
ok(metric($::Misses) <= 2, 'nobody had to be asked');



=== TEST 8: a flood of guesses evicts no known key
--- http_config eval
"agentvista_database \"" . database() . "\"; agentvista_zone 1m;"
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my @keys = make_keys(\&sql, $::Account, 'flood' . rand, 200);
told();
is(ask_each(@keys), '200:200', 'the keys are good');
my $known = metric($::Known);
cmp_ok($known, '>=', 200, 'and cached');
is(ask_each(map { random_key() } 1 .. 3000), '401:3000', 'a flood');
ok(metric($::UnknownKeys) <= 1024, 'it has its share and no more');
is(metric($::Known), $known, 'the known keys are still there');
my $misses = metric($::Misses);
is(ask_each(@keys), '200:200', 'the keys are good');
is(metric($::Misses), $misses, 'they were cached');
--- timeout: 30



=== TEST 9: more keys than there is room for: the least used are read again
--- http_config eval
"agentvista_database \"" . database() . "\"; agentvista_zone 1m;"
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my @keys = make_keys(\&sql, $::Account, 'many' . rand, 6000);
told();
is(ask_each(@keys), '200:6000', 'the keys are good');
cmp_ok(metric($::Known), '<', 5200, 'some were evicted');
my $misses = metric($::Misses);
is(ask_each(@keys[-500 .. -1]), '200:500', 'the latest are good');
is(metric($::Misses), $misses, 'and were cached');
is(ask_each(@keys[0 .. 99]), '200:100', 'the first are good');
is(metric($::Misses), $misses + 100, 'and were read again');
--- timeout: 30



=== TEST 10: while nobody listens nothing is missed: it is read again afterwards
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account);
my $kill = "select pg_terminate_backend(pid) from pg_stat_activity
     where pid <> pg_backend_pid()
                  and (query ilike 'listen %' or query ilike '%health()%')";
is(ask($key, 20), '200:20', 'the key is good');
sql("begin; alter table agentvista.api_keys disable trigger user;
     update agentvista.api_keys set revoked_at = now()
     where key_hash = sha256('$key');
     alter table agentvista.api_keys enable trigger user; commit;");
is(ask($key, 20), '200:20', 'nobody was told');
sql($kill);
ok(within(10, sub { ask($key, 1) eq '401:1' }), 'the key is bad');
listening();
is(ask($key, 20), '401:20', 'and stays bad');
--- no_error_log
[alert]



=== TEST 11: a reload keeps the cache
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account);
is(ask($key, 20), '200:20', 'the key is good');
my $misses = metric($::Misses);
open my $pid, '<', "$Test::Nginx::Util::ServRoot/logs/nginx.pid" or die;
kill HUP => <$pid>;
sleep 1;
is(ask($key, 20), '200:20', 'the key is good');
# the new LISTEN connection has everything read once more
cmp_ok(metric($::Misses), '<=', $misses + 2, 'it was kept');
sql("update agentvista.api_keys set revoked_at = now()
     where key_hash = sha256('$key')");
told();
is(ask($key, 20), '401:20', 'the new workers are told');



=== TEST 12: a worker that is killed is replaced, and the cache goes on
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my $key = key($::Account);
is(ask($key, 20), '200:20', 'the key is good');
open my $pid, '<', "$Test::Nginx::Util::ServRoot/logs/nginx.pid" or die;
chomp(my $master = <$pid>);
kill KILL => split /\s+/, `ps -o pid= --ppid $master` =~ s/^\s+//r;
sleep 1;
is(ask($key, 20), '200:20', 'the key is good');
sql("update agentvista.api_keys set revoked_at = now()
     where key_hash = sha256('$key')");
told();
is(ask($key, 20), '401:20', 'the new workers are told');
--- no_error_log
[emerg]



=== TEST 13: without the database: cached keys work, others get 503 with Retry-After
--- http_config eval: $::PgConfig
--- config eval: $::Guarded
--- request eval
["GET /gif", "GET /gif", "GET /gif", "GET /gif", "GET /gif"]
--- more_headers eval
[map { "Authorization: Bearer $_" } $::PgCached, $::PgCached, $::PgOther, "av_" . "0" x 63, $::PgOther]
--- after
is(ask($::PgCached, 10), '200:10', 'cached since the LISTEN began');
$::Pg->stop;
(undef, undef, sub { $::Pg->start; sleep 2 });
--- error_code eval
[200, 200, 503, 401, 200]
--- response_headers eval
["", "", "Content-Type: application/json\nRetry-After: 2\n!WWW-Authenticate",
 "WWW-Authenticate: Bearer error=\"invalid_token\"", ""]
--- response_body_like eval
[qr/GIF/, qr/GIF/, qr/^\{"detail":"The database is not available\."\}$/,
 qr/Invalid or missing/, qr/GIF/]
--- timeout: 15
--- no_error_log
[alert]



=== TEST 14: while the database is slow, all who wait for a key get the answer
--- http_config eval: $::PgConfig
--- config eval: $::Guarded
--- request
GET /metrics
--- after
$::Pg->hold('agentvista.api_keys', 1.5);
my @clients = map { client() } 1 .. 20;
print $_ "GET /gif HTTP/1.0\r\nAuthorization: Bearer $::PgThird\r\n\r\n" for @clients;
# some do not wait
sleep 0.3;
close $_ for splice @clients, 0, 5;
is(scalar(grep { <$_> =~ / 200 / } @clients), 15, 'the others are let in');
ok(metric($::Known) == 1, 'one entry');
--- timeout: 15
--- no_error_log
[alert]



=== TEST 15: a key revoked while it is being asked for is not cached
--- http_config eval: $::PgConfig
--- config eval: $::Guarded
--- request
GET /metrics
--- after
my ($key) = make_keys(sub { $::Pg->sql(@_) }, $::PgAccount, 'race' . rand, 1);
my $client = client();
# the query has its snapshot, and waits, before the key is revoked
$::Pg->sql("create or replace function agentvista.events_used(account uuid, this_month date)
           returns bigint language sql volatile as 'select (select 0::bigint from pg_sleep(1))'");
print $client "GET /gif HTTP/1.0\r\nAuthorization: Bearer $key\r\n\r\n";
sleep 0.4;
$::Pg->sql("update agentvista.api_keys set revoked_at = now() where key_hash = sha256('$key')");
sleep 0.2;
is(ask_at_once($key, 30), '401:30', 'who asks afterwards is refused');
like(scalar <$client>, qr/ 200 /, 'who asked before is let in');
is(ask($key, 5), '401:5', 'and it was not cached');
--- timeout: 15
