# A live stream of traces, read as it comes:
#
#     my $stream = EventStream->new($api, 'agent=a', 'Last-Event-ID' => $id);
#     $stream->has($trace_id)               # waits until it has come
#     $stream->until(sub { ... $_[0] ... })
#     $stream->{head}, {comments}, {id}     # what came last
#     $stream->{events}                     # of [event, id, data]
#     $stream->traces                       # as hashes, of event "trace"
#
# Nothing is read but in these calls. Each wait ends when what it waits for is
# there; how long it may take is only there for the case that it never is.

package EventStream;

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(time);


our $Patience = 60;

my $Json = JSON::PP->new->utf8;


# api is one of Api; it returns when the stream has begun or is closed.
sub new {
    my ($class, $api, $query, %header) = @_;

    my $self = $class->open($api, $query, %header);

    $self->until(sub { $_[0]{comments} || $_[0]->status !~ /^(?:200)?$/ });

    return $self;
}


sub open {
    my ($class, $api, $query, %header) = @_;

    my $socket = $api->{nginx}->connect or die "connect: $!";
    my $path = '/api/v1/dashboard/traces/stream' . ($query ? "?$query" : '');

    $header{Authorization} //= "Bearer $api->{key}";

    $socket->autoflush(1);
    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Accept-Encoding: gzip\r\n"
        . join('', map { "$_: $header{$_}\r\n" } keys %header) . "\r\n";

    return bless { socket => $socket, raw => '', body => '', comments => 0,
                   events => [], count => {} }, $class;
}


# Of the answer; empty as long as there is none.
sub status {
    my $self = shift;

    return ($self->{head} // '') =~ m{^HTTP/1.1 (\d+)} ? $1 : '';
}


# One read, if there is something within so many seconds.
sub read {
    my ($self, $seconds) = @_;

    vec(my $in = '', fileno $self->{socket}, 1) = 1;
    return if select($in, undef, undef, $seconds) <= 0;

    if (!sysread $self->{socket}, $self->{raw}, 65536, length $self->{raw}) {
        $self->{closed} = 1;
        return;
    }

    $self->parse;
}


sub parse {
    my $self = shift;

    if (!defined $self->{head}) {
        $self->{raw} =~ s/\A(.*?\r\n)\r\n//s or return;
        $self->{head} = $1;
    }

    while ($self->{raw} =~ /\A([0-9a-f]+)\r\n/) {
        my ($start, $size) = ($+[0], hex $1);

        last if length $self->{raw} < $start + $size + 2;

        $self->{ended} = 1 if $size == 0;
        $self->{body} .= substr $self->{raw}, $start, $size;
        substr $self->{raw}, 0, $start + $size + 2, '';
    }

    while ((my $end = index $self->{body}, "\n\n") >= 0) {
        my $text = substr $self->{body}, 0, $end + 2, '';
        $self->block($text);
    }
}


# One event, or a block that only has comments, a time or an id.
sub block {
    my ($self, $text) = @_;

    my %field;

    for (split /\n/, $text) {
        $self->{comments}++ if /^:/;
        $field{$1} = $2 if /^(\w+): ?(.*)/;
    }

    $self->{retry} = $field{retry} if defined $field{retry};
    $self->{id} = $field{id} if defined $field{id};

    return if !defined $field{data};

    push @{ $self->{events} }, [@field{qw(event id data)}];

    $self->{count}{$1}++
        if $field{event} eq 'trace' && $field{data} =~ /"trace_id" : "([^"]+)"/;
}


# Reads until something holds; false if it never does.
sub until {
    my ($self, $condition, $seconds) = @_;

    my $end = time + ($seconds // $Patience);

    while (!$condition->($self)) {
        return 0 if $self->{closed} || time > $end;
        $self->read(1);
    }

    return 1;
}


sub has {
    my ($self, $trace) = @_;

    return $self->until(sub { $_[0]{count}{$trace} });
}


# Waits until it has all that it resumed for; returns where it is then.
sub caught_up {
    my ($self, $last) = @_;

    $self->until(sub { ($_[0]{id} // $last) ne $last });

    return $self->{id};
}


sub closes {
    my $self = shift;

    return $self->until(sub { $_[0]{ended} }) || $self->{closed};
}


# How often the trace has come so far.
sub times {
    my ($self, $trace) = @_;

    return $self->{count}{$trace} // 0;
}


sub traces {
    my $self = shift;

    return map { $Json->decode($_->[2]) }
               grep { $_->[0] eq 'trace' } @{ $self->{events} };
}


# Waits for a trace with this field.
sub shows {
    my ($self, $trace, $name, $value) = @_;

    return $self->until(sub {
        grep { $_->{trace_id} eq $trace && ($_->{$name} // '') eq $value }
             $self->traces
    });
}


1;
