# Clients in a process of their own, who post batches all the time and keep a
# record of what they were told:
#
#     my $senders = Senders->start(port => ..., key => ..., connections => 16);
#     ... trouble ...
#     my $record = $senders->stop;
#
# Options:
#
#     connections  how many send at the same time; 16
#     traces       of a batch, each of a new id; 1
#     spans        of a trace; 3
#     batches      so many and no more; without it, until stop()
#     resend       what was not answered by 200 is sent again, the same
#     drain        after stop(), resend for so many seconds; 0
#     fresh        a connection for each request
#     pause        seconds between an answer and the next request
#     make         a function of the number of the batch (from 0) that gives the
#                  body and the ids of its traces; runs in that process
#
# The record:
#
#     batches      of [ids, spans of each trace, last status (or how it
#                  failed), answer, number]
#     status       number of answers by status
#     refused      connections that were not accepted
#     closed       requests on a connection that had been used before and was
#                  closed without a word: nginx may do that between requests
#     cut          requests that began to be answered, or had a fresh
#                  connection, and yet have no answer
#     silent       requests without an answer for a minute
#     odd          answers that are none of 200, 400, 429 or 503, and 503s
#                  without Retry-After
#     again        batches that were sent more than once
#     slowest      seconds

package Senders;

use strict;
use warnings;

use Errno qw(EAGAIN EINPROGRESS);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(pack_sockaddr_in inet_aton SOL_SOCKET SO_ERROR AF_INET
              SOCK_STREAM IPPROTO_TCP TCP_NODELAY);
use Storable ();
use Time::HiRes qw(time);


my $Count = 0;


sub start {
    my ($class, %option) = @_;

    my $file = "$ENV{AGENTVISTA_TEST_DIR}/record-$$-" . $Count++;

    pipe my $ours, my $theirs or die "pipe: $!";

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
        $SIG{PIPE} = 'IGNORE';
        close $theirs;
        srand;

        my $record = eval { Senders::Loop->new($ours, %option)->run };
        print STDERR $@ if $@;

        eval { Storable::store($record, $file) } if $record;

        # nothing of the suite's is to run here
        POSIX::_exit($record ? 0 : 1);
    }

    close $ours;

    return bless { pid => $pid, owner => $$, control => $theirs,
                   file => $file }, $class;
}


# No new batches; returns the record when those under way are done.
sub stop {
    my $self = shift;

    close $self->{control};
    return $self->wait;
}


# Returns the record when all batches are done.
sub wait {
    my $self = shift;

    waitpid $self->{pid}, 0;
    my $status = $?;
    delete $self->{pid};

    die "the senders have failed: $status\n" if $status;

    my $record = Storable::retrieve($self->{file});
    unlink $self->{file};

    return $record;
}


sub DESTROY {
    my $self = shift;

    return if $self->{owner} != $$ || !$self->{pid};

    local $?;
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
}


# A random (version 4) UUID, cheaply.
sub uuid {
    return sprintf '%08x-%04x-4%03x-8%03x-%04x%08x', rand 2 ** 32,
                   rand 65536, rand 4096, rand 4096, rand 65536, rand 2 ** 32;
}


# The body of a batch: traces with these ids and so many spans each.
sub body {
    my ($ids, $spans, %option) = @_;

    my $at = POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime) . '.000Z';
    my $agent = $option{agent} // 'agent-' . int rand 5;
    my $name = $option{name} // 'step';

    return '{"traces":[' . join(',', map {
        qq({"trace":{"trace_id":"$_","agent":"$agent","started_at":"$at",)
        . qq("ended_at":"$at"},"spans":[) . join(',', map {
            my $id = $option{span_ids} ? $option{span_ids}[$_ - 1] : uuid();
            qq({"span_id":"$id","name":"$name","type":"llm",)
            . qq("started_at":"$at","ended_at":"$at","input_tokens":10,)
            . qq("output_tokens":5,"cost_usd":"0.000125"})
        } 1 .. $spans) . ']}'
    } @$ids) . ']}';
}


package Senders::Loop;

use strict;
use warnings;

use Errno qw(EAGAIN EINPROGRESS);
use Socket qw(pack_sockaddr_in inet_aton SOL_SOCKET SO_ERROR IPPROTO_TCP
              TCP_NODELAY AF_INET SOCK_STREAM);
use Time::HiRes qw(time);


sub new {
    my ($class, $control, %option) = @_;

    my $self = bless {
        control => $control, connections => 16, traces => 1, spans => 3,
        drain => 0, pause => 0, made => 0, again => [],
        record => { batches => [], status => {}, refused => 0, closed => 0,
                    cut => 0, silent => 0, odd => [], again => 0,
                    slowest => 0 },
        %option
    }, $class;

    $self->{idle} = [map { { } } 1 .. $self->{connections}];
    $self->{busy} = {};

    return $self;
}


sub run {
    my $self = shift;

    while (1) {
        $self->send_more;

        last if !%{ $self->{busy} } && $self->finished;

        $self->turn;
    }

    # what was never acknowledged
    push @{ $self->{record}{batches} }, map { $self->entry($_) }
                                            @{ $self->{again} };

    return $self->{record};
}


# Nothing more is to be sent.
sub finished {
    my $self = shift;

    my $over = $self->{stopped}
               || defined $self->{batches}
                  && $self->{made} >= $self->{batches};

    return 0 if !$over;
    return 1 if !$self->{resend} || !@{ $self->{again} };
    return $self->{stopped} && time > $self->{stopped} + $self->{drain};
}


sub next_batch {
    my $self = shift;

    my $now = time;

    if (@{ $self->{again} } && $self->{again}[0]{not_before} <= $now
        && !($self->{stopped} && $now > $self->{stopped} + $self->{drain}))
    {
        my $batch = shift @{ $self->{again} };
        $self->{record}{again}++ if $batch->{tries} == 1;
        return $batch;
    }

    return if $self->{stopped}
              || defined $self->{batches}
                 && $self->{made} >= $self->{batches}
              || @{ $self->{again} } > 4 * $self->{connections};

    my ($body, $ids, $spans);
    my $number = $self->{made}++;

    if ($self->{make}) {
        ($body, $ids, $spans) = $self->{make}->($number);

    } else {
        $ids = [map { Senders::uuid() } 1 .. $self->{traces}];
        $body = Senders::body($ids, $self->{spans});
    }

    my $key = ref $self->{key} ? $self->{key}[$number % @{ $self->{key} }]
                               : $self->{key};
    my $close = $self->{fresh} ? "Connection: close\r\n" : '';

    return { ids => $ids, spans => $spans // $self->{spans}, tries => 0,
             number => $number, not_before => 0,
             text => "POST /api/v1/traces/batch HTTP/1.1\r\nHost: localhost\r\n"
                     . "Authorization: Bearer $key\r\n$close"
                     . "Content-Type: application/json\r\n"
                     . 'Content-Length: ' . length($body) . "\r\n\r\n$body" };
}


sub send_more {
    my $self = shift;

    my $now = time;
    my @later;

    while (my $conn = shift @{ $self->{idle} }) {

        if (($conn->{not_before} // 0) > $now) {
            push @later, $conn;
            next;
        }

        my $batch = $self->next_batch;

        if (!$batch) {
            push @later, $conn;
            last;
        }

        $self->send($conn, $batch);
    }

    push @{ $self->{idle} }, @later;
}


sub send {
    my ($self, $conn, $batch) = @_;

    $batch->{tries}++;

    @$conn{qw(batch out in since)} = ($batch, $batch->{text}, '', time);
    $conn->{reused} = defined $conn->{socket};

    if (!$conn->{socket}) {
        my $address = pack_sockaddr_in($self->{port}, inet_aton('127.0.0.1'));

        socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
        $socket->blocking(0);
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

        $conn->{socket} = $socket;

        if (!connect($socket, $address) && $! != EINPROGRESS) {
            $self->{busy}{fileno $socket} = $conn;
            $self->failed($conn, 'refused');
            return;
        }

        $conn->{connecting} = 1;
    }

    $self->{busy}{fileno $conn->{socket}} = $conn;
}


sub turn {
    my $self = shift;

    my ($in, $out) = ('', '');

    for my $conn (values %{ $self->{busy} }) {
        my $fd = fileno $conn->{socket};

        vec($in, $fd, 1) = 1;
        vec($out, $fd, 1) = 1 if length $conn->{out};
    }

    my $control = fileno $self->{control};
    vec($in, $control, 1) = 1 if !$self->{stopped};

    my $n = select $in, $out, undef, @{ $self->{idle} } ? 0.02 : 0.5;

    return if $n < 0;

    # it never says anything, so this is its end
    $self->{stopped} = time if !$self->{stopped} && vec $in, $control, 1;

    my $now = time;

    for my $fd (keys %{ $self->{busy} }) {
        my $conn = $self->{busy}{$fd};

        if (vec $out, $fd, 1) {
            $self->writable($conn);
        }

        if ($self->{busy}{$fd} && vec $in, $fd, 1) {
            $self->readable($conn);
        }

        if ($self->{busy}{$fd} && $now > $conn->{since} + 60) {
            $self->failed($conn, 'silent');
        }
    }
}


sub writable {
    my ($self, $conn) = @_;

    if ($conn->{connecting}) {
        my $error = unpack 'i', getsockopt $conn->{socket}, SOL_SOCKET,
                                           SO_ERROR;
        if ($error) {
            $self->failed($conn, 'refused');
            return;
        }

        $conn->{connecting} = 0;
    }

    my $n = syswrite $conn->{socket}, $conn->{out};

    if (defined $n) {
        substr $conn->{out}, 0, $n, '';

    } elsif ($! != EAGAIN) {
        # there may be an answer all the same
        $conn->{out} = '';
    }
}


sub readable {
    my ($self, $conn) = @_;

    return if $conn->{connecting};

    my $n = sysread $conn->{socket}, $conn->{in}, 65536, length $conn->{in};

    return if !defined $n && $! == EAGAIN;

    if (!$n) {
        $self->failed($conn, $conn->{reused} && $conn->{in} eq ''
                             ? 'closed' : 'cut');
        return;
    }

    my $end = index $conn->{in}, "\r\n\r\n";
    return if $end < 0;

    my $head = substr $conn->{in}, 0, $end;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;

    die "an answer without a length: $head\n" if !defined $length;
    return if length $conn->{in} < $end + 4 + $length;

    $self->answered($conn, $head, substr $conn->{in}, $end + 4);
}


sub answered {
    my ($self, $conn, $head, $body) = @_;

    my $record = $self->{record};
    my $batch = $conn->{batch};
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my $took = time - $conn->{since};

    $record->{status}{$status}++;
    $record->{slowest} = $took if $took > $record->{slowest};

    push @{ $record->{odd} }, "$head\n$body"
        if $status !~ /^(?:200|400|429|503)$/
           || $status == 503 && $head !~ /^Retry-After: \d+\r?$/mi;

    @$batch{qw(status body)} = ($status, $body);

    $self->release($conn, $head =~ /^Connection: close/mi);
    $self->settle($batch, $status);
}


sub failed {
    my ($self, $conn, $how) = @_;

    my $batch = $conn->{batch};

    $batch->{status} = $how;
    $self->{record}{$how}++;
    $self->release($conn, 1);
    $conn->{not_before} = time + 0.02;

    # nothing was sent, or nothing was read of it: not this batch's trouble
    if ($how eq 'refused' || $how eq 'closed') {
        $batch->{not_before} = time + 0.02;

        if (!$self->{stopped} || $self->{resend}) {
            unshift @{ $self->{again} }, $batch;
            return;
        }
    }

    $self->settle($batch, $how);
}


sub release {
    my ($self, $conn, $close) = @_;

    delete $self->{busy}{fileno $conn->{socket}};

    if ($close) {
        close $conn->{socket};
        delete $conn->{socket};
    }

    $conn->{connecting} = 0;
    $conn->{not_before} = time + $self->{pause} if $self->{pause};

    push @{ $self->{idle} }, $conn;
}


# 400 and 429 are final, too.
sub settle {
    my ($self, $batch, $status) = @_;

    if ($self->{resend} && $status !~ /^(?:200|400|429)$/) {
        $batch->{not_before} = time + 0.05 + rand 0.05;
        push @{ $self->{again} }, $batch;
        return;
    }

    push @{ $self->{record}{batches} }, $self->entry($batch);
}


sub entry {
    my ($self, $batch) = @_;

    return [@$batch{qw(ids spans status body number)}];
}


1;
