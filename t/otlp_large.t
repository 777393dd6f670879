# Large bodies, which threads read, inflate and decode: clients that leave
# meanwhile, reloads, quitting, and that no memory stays taken.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Compress::Gzip qw(gzip);
use PrivateNginx;
use Test::More;
use Time::HiRes qw(sleep);

PrivateNginx::guard(180);

my $account = account();
my $key = key($account);

my $nginx = PrivateNginx->new(database => database(), workers => 1,
                              timeout => '30s');

ok($nginx->ready, 'ready');


my $number = 0;

# A request with so many log records, no two alike.
sub logs {
    my ($records, $encoding) = (@_, '');

    my $nano = time . '000000000';
    my $body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":['
               . join(',', map { $number++;
                     qq({"timeUnixNano":"$nano","body":{"stringValue":)
                     . qq("$number @{['x' x 400]}"}}) } 1 .. $records)
               . ']}]}]}';

    if ($encoding eq 'zstd') {
        $body = zstd($body, '--no-content-size');
    } elsif ($encoding) {
        gzip \(my $text = $body) => \$body;
    }

    return "POST /api/v1/otlp/v1/logs HTTP/1.1\r\nHost: localhost\r\n"
           . "Authorization: Bearer $key\r\nConnection: close\r\n"
           . "Content-Type: application/json\r\n"
           . ($encoding ? "Content-Encoding: $encoding\r\n" : '')
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub stored {
    return value("select count(*) from agentvista.logs"
                 . " where account_id = '$account'");
}

# Sends all of them, each on a connection of its own.
sub begin {
    my @texts = @_;

    local $SIG{PIPE} = 'IGNORE';

    return map {
        my $socket = $nginx->connect or die "connect: $!";
        $socket->autoflush(1);
        print $socket $_;
        $socket;
    } @texts;
}

# The answers' statuses, without those that are 200.
sub odd {
    return grep { $_ ne 200 }
           map { my $answer = PrivateNginx::answer($_, 60);
                 $answer->{status} // $answer->{error} } @_;
}


is_deeply([odd(begin(map { logs(3000, $_) } '', 'gzip', 'zstd', 'gzip', ''))], [],
          'more of them at once than there are threads for');
is(stored(), 15_000, 'all records are stored');


# Those who leave before the answer; their records may be stored or not.

for my $wait (0, 0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1) {
    my @sockets = begin(map { logs(2000, $_) } '', 'gzip', 'zstd');

    sleep $wait;
    close $_ for @sockets;
}

is_deeply([odd(begin(logs(1000)))], [], 'another one after those that left');

ok(PrivateNginx::wait_for(20, sub {
    $nginx->metric('agentvista_queue_bytes') == 0
}), 'no memory is taken when all is done')
    or diag($nginx->metric('agentvista_queue_bytes'));

is(scalar(grep { /exited on signal/ } $nginx->logged('alert')), 0,
   'no worker has died');


# What is too large for one transaction takes several.

sub spans {
    my $nano = time . '000000000';
    my $body = '{"resourceSpans":[{"scopeSpans":[{"spans":['
               . join(',', map { sprintf '{"traceId":"%032x","spanId":"%016x",'
                     . '"name":"n","startTimeUnixNano":"%s","endTimeUnixNano":'
                     . '"%s","attributes":[{"key":"text","value":'
                     . '{"stringValue":"%s"}}]}', int($_ / 10) + 1, $_, $nano,
                     $nano, 'x' x 400 } @_)
               . ']}]}]}';

    return "POST /api/v1/otlp/v1/traces HTTP/1.1\r\nHost: localhost\r\n"
           . "Authorization: Bearer $key\r\nConnection: close\r\n"
           . "Content-Type: application/json\r\n"
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub committed {
    return $nginx->metric('agentvista_flushes_total{result="committed"}');
}

is_deeply([odd(begin(spans(10_000 .. 10_009)))], [], 'one of many traces');

my $before = committed();

is_deeply([odd(begin(spans(10 .. 20_009)))], [], 'all of them, in one request');
cmp_ok(committed() - $before, '>=', 3, 'several transactions');
is(value("select count(*) from agentvista.spans"
         . " where account_id = '$account'"), 20_000, 'stored once');
is(value("select sum(events) from agentvista.usage"
         . " where account_id = '$account'"), 20_000, 'and charged once');


# A disk without room for bodies, in the place of which there is a file.

my $bodies = "$nginx->{dir}/tmp";

rename $bodies, "$bodies.away" or die $!;
open my $file, '>', $bodies or die $!;
close $file;

for my $path ('/v1/otlp/v1/logs', '/v1/traces/batch') {
    my ($socket) = begin(logs(1000) =~ s{/v1/otlp/v1/logs}{$path}r);
    my $answer = PrivateNginx::answer($socket, 60);

    is($answer->{status}, 503, "$path: it may have room later");
    is($answer->{header}{'retry-after'}, 1, 'so try again');
    like($answer->{body}, qr/"detail":"Service temporarily unavailable\."/,
         'in words');
}

is(scalar(grep { /Not a directory/ } $nginx->logged('crit')), 2,
   'the log tells why');

unlink $bodies;
rename "$bodies.away", $bodies or die $!;

$before = stored();
my @sockets = begin(map { logs(4000, $_) } ('', 'gzip', 'zstd') x 2);

ok($nginx->reload, 'a reload while bodies are decoded');
is_deeply([odd(@sockets)], [], 'they are answered');
is(stored(), $before + 24_000, 'and stored');
ok($nginx->wait_workers(30), 'and the old worker has gone');

# Each of them has been accepted: nginx has begun with its body.
sub begun {
    return scalar(() = $nginx->log =~ /is buffered to a temporary file/g);
}

$before = stored();
my $begun = begun();

@sockets = begin(map { logs(4000) } 1 .. 6);
PrivateNginx::wait_for(10, sub { begun() >= $begun + 6 });
$nginx->signal('QUIT');

is_deeply([odd(@sockets)], [], 'so are those of an nginx that quits');
is(stored(), $before + 24_000, 'and stored');
ok($nginx->wait_gone(30), 'and it has gone');

is_deeply([grep { !/Not a directory/ }
                $nginx->logged(qw(error crit alert emerg))], [],
          'nothing else in the error log');

done_testing();
