# AgentMark's API of an nginx of a suite's own, and OpenTelemetry spans to read
# by it:
#
#     my $server = AgentMark->new;
#     my $app = $server->app;                 # of an account of its own
#     $app->send(span(trace => $id, name => 'x', ...), ...);
#     $app->send_native($body)                # of AgentVista's own batches
#     $app->get("/v1/traces/$id")             # ->{status}, {header}, {json}
#     $app->request('POST', '/v1/score', { resourceId => $id, ... });
#     fields($answer)                         # of a 400: "limit status"
#
# app(header => ...) is one whose requests have other headers.

package AgentMark;

use strict;
use warnings;

use AgentVista ();
use Exporter 'import';
use JSON::PP;
use PrivateNginx;
use Scalar::Util qw(looks_like_number);

our @EXPORT = qw(canonical fields hex_id names now_ns span);

my $Json = JSON::PP->new->utf8->canonical->allow_nonref;


sub new {
    my ($class, %option) = @_;

    my $port = AgentVista::free_port();

    # nginx makes them, too, but a little later
    AgentVista::sql("select agentvista.create_partitions("
                    . "(now() at time zone 'UTC')::date - 30,"
                    . " (now() at time zone 'UTC')::date + 1)");

    my $nginx = PrivateNginx->new(
        database => AgentVista::database(), workers => 1,
        %option,
        http => ($option{http} // '') . <<"END");
    server {
        listen 127.0.0.1:$port;
        location /v1/ { agentvista; }
        location = /readyz { agentvista_status readyz; }
        location = /metrics { agentvista_status metrics; }
    }
END

    my $native = $nginx->{port};

    $nginx->{port} = $port;
    $nginx->ready or die "nginx is not ready: see $nginx->{dir}/logs\n";

    return bless { nginx => $nginx, native => $native }, $class;
}


sub nginx {
    return $_[0]{nginx};
}


# An application: an account and its key.
sub app {
    my ($self, %option) = @_;

    my $account = $option{account} // AgentVista::account();
    my $key = $option{key} // AgentVista::key($account, %option);

    return bless {
        server => $self, account => $account, key => $key,
        header => $option{header}
            // ["Authorization: $key", "X-Agentmark-App-Id: $account"],
    }, 'AgentMark::App';
}


# Times and ids.

sub now_ns {
    my ($seconds) = @_;

    return (int(time) + ($seconds // 0)) * 1_000_000_000;
}


sub hex_id {
    my ($digits) = @_;

    return substr AgentVista::uuid() =~ s/-//gr, 0, $digits;
}


# A span of OTLP/JSON. trace, id, parent, name, start (ns), ms, status, kind,
# attributes (a hash); what is not given has a default.
sub span {
    my %given = @_;

    my $start = $given{start} // now_ns(-60);

    return {
        traceId => $given{trace} // hex_id(32),
        spanId => $given{id} // hex_id(16),
        (defined $given{parent} ? (parentSpanId => $given{parent}) : ()),
        name => '' . ($given{name} // 'step'),
        kind => $given{kind} // 1,
        startTimeUnixNano => "$start",
        endTimeUnixNano => '' . ($start + 1_000_000 * ($given{ms} // 1)),
        status => { code => $given{status} // 1,
                    $given{message} ? (message => $given{message}) : () },
        attributes => [map {
            { key => $_, value => value($given{attributes}{$_}) }
        } sort keys %{ $given{attributes} // {} }],
    };
}


sub value {
    my ($value) = @_;

    return { intValue => "$value" } if $value =~ /^\d+$/;
    return { doubleValue => 0 + $value } if looks_like_number($value);
    return { stringValue => "$value" };
}


# Of answers.

sub canonical {
    return $Json->encode($_[0]);
}


sub fields {
    my ($answer) = @_;

    return join ' ', map { $_->{field} } @{ $answer->{json}{details} // [] };
}


sub names {
    return join ' ', map { $_->{name} } @{ $_[0] // [] };
}


package AgentMark::App;

use strict;
use warnings;

use JSON::PP;


sub get {
    my ($self, $path, @header) = @_;

    return $self->request('GET', $path, undef, @header);
}


# HTTP/1.0: an answer in chunks ends with its connection. {json} is left out
# of what would take long to decode.
sub request {
    my ($self, $method, $path, $body, @header) = @_;

    if (ref $body) {
        $body = $Json->encode($body);
        unshift @header, 'Content-Type: application/json';
    }

    push @header, @{ $self->{header} };
    push @header, 'Content-Length: ' . length $body if defined $body;

    my $answer = $self->{server}->nginx->exchange(
        join("\r\n", "$method $path HTTP/1.0", 'Host: localhost', @header, '',
             $body // ''));

    $answer->{json} = eval { $Json->decode($answer->{body}) }
        if ($answer->{header}{'content-type'} // '') =~ m{^application/json}
           && length $answer->{body} < 3_000_000;

    return $answer;
}


sub send {
    my ($self, @spans) = @_;

    my $service = ref $spans[0] ? 'tester' : shift @spans;

    my $answer = $self->request('POST', '/v1/traces', { resourceSpans => [{
        resource => { attributes => [{ key => 'service.name',
                                       value => { stringValue => $service } }] },
        scopeSpans => [{ scope => { name => 'test' }, spans => \@spans }],
    }] });

    die "spans were not accepted: $answer->{status} $answer->{body}\n"
        if $answer->{status} != 200 || $answer->{body} ne '{"success":true}';
}


sub send_native {
    my ($self, $body) = @_;

    my $nginx = $self->{server}->nginx;
    local $nginx->{port} = $self->{server}{native};

    my $answer = $nginx->post($self->{key}, $body);

    die "the batch was not accepted: $answer->{status} $answer->{body}\n"
        if $answer->{status} != 200;
}


1;
