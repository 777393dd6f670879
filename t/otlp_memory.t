# Large bodies of the worst kinds, several at once: what they take is in the
# budget, so that a worker stays inside its bound, and the system gets it back.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Compress::Gzip qw(gzip Z_BEST_SPEED);
use PrivateNginx;
use Test::More;
use Time::HiRes qw(sleep);

PrivateNginx::guard(580);

my $limit = 64 << 20;

# MiB: agentvista_queue_memory, and what a worker has besides; what the
# sanitizers need on top has no bound
my $most = defined $ENV{ASAN_OPTIONS} ? 16384 : 512 + 64;
my $idle = defined $ENV{ASAN_OPTIONS} ? 16384 : 96;

my $account = account();
my $key = key($account);

my $nginx = PrivateNginx->new(database => database(), workers => 1,
                              timeout => '60s', http => <<END);
    agentvista_statement_timeout 60s;
END

ok($nginx->ready, 'ready');


# MiB of the worker: now, and at most since the last call of peak().
sub resident { return $nginx->rss / 1024 }

sub peak {
    my ($pid) = $nginx->workers;

    open my $file, '<', "/proc/$pid/status" or die "$!";
    my ($kb) = map { /^VmHWM:\s+(\d+)/ } <$file>;

    open my $refs, '>', "/proc/$pid/clear_refs" or die "$!";
    print $refs "5\n";

    return $kb / 1024;
}


# A body of the length, of one piece again and again.
sub fill {
    my ($head, $piece, $tail) = @_;

    my $n = int(($limit - length($head) - length($tail)) / length $piece);

    return $head . $piece x $n . $tail;
}

# Varints, and a field of bytes around others.
sub varint {
    my ($n) = @_;

    my $text = '';
    while ($n > 0x7f) {
        $text .= chr($n & 0x7f | 0x80);
        $n >>= 7;
    }

    return $text . chr $n;
}

sub field { return varint($_[0] << 3 | 2) . varint(length $_[1]) . $_[1] }

# A protobuf request of records in one scope.
sub protobuf {
    my ($record) = @_;

    my $records = fill('', field(2, $record), ' ' x 32);
    substr($records, -32) = '';

    return field(1, field(2, $records));
}


sub request {
    my ($signal, $type, $body, $encoding) = (@_, '');

    if ($encoding eq 'gzip') {
        gzip \(my $text = $body) => \$body, -Level => Z_BEST_SPEED;
    } elsif ($encoding) {
        $body = zstd($body, '-1', '--no-content-size');
    }

    return "POST /api/v1/otlp/v1/$signal HTTP/1.1\r\nHost: localhost\r\n"
           . "Authorization: Bearer $key\r\nConnection: close\r\n"
           . "Content-Type: application/$type\r\n"
           . ($encoding ? "Content-Encoding: $encoding\r\n" : '')
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

# The statuses of so many of them at once.
sub statuses {
    my ($text, $times) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my @sockets = map { $nginx->connect or die "connect: $!" } 1 .. $times;
    my @left = map { { socket => $_, at => 0 } } @sockets;

    while (@left) {
        for my $one (@left) {
            my $n = syswrite $one->{socket}, $text, 1 << 20, $one->{at};
            $one->{at} = defined $n ? $one->{at} + $n : length $text;
        }

        @left = grep { $_->{at} < length $text } @left;
    }

    my %found;

    for my $socket (@sockets) {
        my $answer = PrivateNginx::answer($socket, 120);
        $found{ $answer->{status} // $answer->{error} }++;
    }

    return \%found;
}


my $now = time;
my $head = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[';
my $tail = '{}]}]}]}';
my $long = 'text ' x 2000;
my $log = qq({"timeUnixNano":"${now}000000000","body":{"stringValue":)
          . '"text"},"attributes":[{"key":"long","value":{"stringValue":"'
          . $long . '"}}]},';
my $tiny = qq({"timeUnixNano":"${now}000000000"},);
my $nanos = pack 'Q<', $now * 1_000_000_000;

# What such a body gets on its own; of several each may get 503.
my @kinds = (
    ['arrays inside each other', 413, 'logs', 'json',
     sub { fill('{"resourceLogs":', '[', '') }],
    ['objects inside each other', 413, 'logs', 'json',
     sub { fill('', '{"a":', '') }],
    ['numbers', 413, 'metrics', 'json',
     sub { fill('{"resourceMetrics":[', '0,', '0]}') }],
    ['empty objects', 413, 'traces', 'json',
     sub { fill('{"resourceSpans":[', '{},', '{}]}') }],
    ['empty records', 413, 'logs', 'json', sub { fill($head, '{},', $tail) }],
    ['records of nothing but a time', 413, 'logs', 'json',
     sub { fill($head, $tiny, $tail) }],
    ['ordinary records', 200, 'logs', 'json',
     sub { fill($head, $log, $tail) }],
    ['ordinary records, and a byte that is no UTF-8', 200, 'logs', 'json',
     sub { fill($head, $log, $tail) =~ s/text /tex\xff /r }],
    ['bytes that are no UTF-8', 413, 'logs', 'json',
     sub { fill("$head\{\"body\":{\"stringValue\":\"", "\xff", "\"}},$tail") }],
    ['empty records in protobuf', 413, 'logs', 'x-protobuf',
     sub { protobuf('') }],
    ['empty attributes in protobuf', 413, 'logs', 'x-protobuf',
     sub { field(1, field(2, field(2, "\x32\0" x ($limit / 2 - 16)))) }],
    ['records of nothing but a time in protobuf', 413, 'logs', 'x-protobuf',
     sub { protobuf("\x09$nanos") }],
    ['ordinary records in protobuf', 200, 'logs', 'x-protobuf',
     sub { protobuf("\x09$nanos" . field(6, field(1, 'long')
                                     . field(2, field(1, $long)))) }],
);

# Those that take most are tried several at once, too.
my %several = map { $_ => 1 } 'arrays inside each other', 'ordinary records',
                  'records of nothing but a time in protobuf';

for my $kind (@kinds) {
    my ($name, $status, $signal, $type, $make) = @$kind;

    my $body = $make->();

    is_deeply(statuses(request($signal, $type, $body), 1), { $status => 1 },
              $name);
    cmp_ok(peak(), '<', $most, "$name: inside the bound");

    next if !$several{$name};

    for my $encoding ('gzip', 'zstd') {
        my $found = statuses(request($signal, $type, $body, $encoding), 3);
        my $peak = peak();

        is(join(' ', grep { !/^(?:$status|503)$/ } keys %$found), '',
           "$name: three at once, $encoding");
        cmp_ok($found->{200} // 0, '>', 0, "$name: one of them is stored")
            if $status == 200;
        cmp_ok($peak, '<', $most, "$name: inside the bound");

        note(sprintf '%s, %s: %s; %.0f MiB at most, %.0f after', $name,
             $encoding, join(' ', map { "$_:$found->{$_}" } sort keys %$found),
             $peak, resident());
    }
}

cmp_ok(resident(), '<', $idle, 'the system has its memory back');

ok(PrivateNginx::wait_for(5, sub {
    ($nginx->metric('agentvista_queue_bytes') // 1) == 0
}), 'and so has the budget');

is_deeply([$nginx->logged(qw(alert emerg crit))], [],
          'nothing serious in the error log');

done_testing();
