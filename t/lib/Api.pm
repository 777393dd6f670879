# An nginx, a Postgres and an account of a suite's own, and JSON in and out:
#
#     my $api = Api->new;                   # retention => '30d', workers => 2
#     my $answer = $api->get('/agents', page => 2);
#     $answer->{status}, $answer->{json}
#     $api->send(PATCH => '/dashboard/traces/x/outcome', { success => \1 });
#     $api->store(trace({...}, span(...)), ...);   # dies unless all are stored
#     my $other = $api->stranger;           # the same with another account
#
# Paths are below /api/v1. It goes away with the suite.

package Api;

use strict;
use warnings;

use Audit;
use Exporter 'import';
use JSON::PP;
use POSIX ();
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More ();
use Time::HiRes ();

our @EXPORT = qw(iso span trace uuid);

our $Json = JSON::PP->new->utf8->canonical->allow_nonref;


sub new {
    my ($class, %option) = @_;

    PrivateNginx::guard(delete $option{guard} // 120);

    my $pg = PrivatePostgres->new;
    my $self = bless { pg => $pg }, $class;

    # nginx makes them, too, but a little later
    $pg->sql("select agentvista.create_partitions((now() at time zone 'UTC')"
             . "::date - 30, (now() at time zone 'UTC')::date + 1)");

    $self->{nginx} = PrivateNginx->new(database => $pg->conninfo, workers => 2,
                                       %option);
    $self->{nginx}->ready or die "nginx is not ready\n";
    ($self->{account}, $self->{key}) = Audit::account($pg);

    return $self;
}


sub stranger {
    my $self = shift;

    my ($account, $key) = Audit::account($self->{pg});

    return bless { %$self, account => $account, key => $key }, ref $self;
}


sub sql {
    my ($self, $text) = @_;

    return $self->{pg}->sql($text);
}


sub escape {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;

    return $text;
}


# A GET with parameters, or with a query string as it is.
sub get {
    my ($self, $path, @query) = @_;

    if (@query == 1) {
        $path .= "?$query[0]";

    } elsif (@query) {
        my @pairs;
        push @pairs, escape(shift @query) . '=' . escape(shift @query)
            while @query;
        $path .= '?' . join '&', @pairs;
    }

    return $self->send(GET => $path);
}


sub send {
    my ($self, $method, $path, $body, %header) = @_;

    $header{Authorization} //= "Bearer $self->{key}";

    if (defined $body) {
        $body = $Json->encode($body) if ref $body;
        $header{'Content-Type'} //= 'application/json';
        $header{'Content-Length'} = length $body;
    }

    my $answer = $self->{nginx}->exchange(
        "$method /api/v1$path HTTP/1.1\r\nHost: localhost\r\n"
        . join('', map { "$_: $header{$_}\r\n" } sort keys %header)
        . "Connection: close\r\n\r\n" . ($body // ''), 20);

    $answer->{json} = eval { $Json->decode($answer->{body}) };

    return $answer;
}


sub store {
    my ($self, @traces) = @_;

    while (my @some = splice @traces, 0, 50) {
        my $answer = $self->send(POST => '/traces/batch',
                                 { traces => \@some });

        die "not stored: $answer->{status} $answer->{body}\n",
            map { "$_\n" } $self->{nginx}->logged(qw(error warn crit alert))
            if $answer->{status} != 200 || $answer->{json}{rejected};
    }
}


# One test: a parameter that is refused is named.
sub refuses {
    my ($self, $path, $query, $name) = @_;

    my $answer = $self->get($path, $query);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is(join(' ', $answer->{status},
                        ($answer->{json}{detail} // $answer->{body})
                            =~ /^([^:]*): ./ ? $1 : $answer->{body}),
                   "400 $name", "$path?$query is refused");
}


# One test: what the statistics say is what the traces say.
sub audit {
    my ($self, $name) = @_;

    my $found = `./scripts/check-statistics '@{[ $self->{pg}->conninfo ]}'`;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($? . $found, '0', "$name: the statistics are right");
}


sub uuid { return Senders::uuid() }


# The time so many seconds from now, or from a moment, in ISO 8601 with
# milliseconds.
sub iso {
    my ($seconds, $moment) = @_;

    my $time = ($moment // Time::HiRes::time()) + ($seconds // 0);

    return POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $time)
           . sprintf '.%03dZ', ($time - int $time) * 1000;
}


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


1;
