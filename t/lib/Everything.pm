# Data of every kind for an account of Api.pm, and the requests of every route
# that ask for it:
#
#     my $own = Everything->fill($api);     # each text of it contains a mark
#     $own->{mark}, $own->{value}{trace_id}, ...
#     $own->request($route)                 # ->{status}, {body}, {json}
#     $own->request($route, trace_id => $other, ...)
#
# A request has all parameters that are needed or given; route is a row of
# Routes.pm. Where an id is, the table says: value() dies of a parameter that
# it does not know, and so does the test of a route that nobody thought of.

package Everything;

use strict;
use warnings;

use Api ();
use JSON::PP;
use Senders ();
use Time::HiRes qw(time);

# The bodies of routes whose parameters are not in the table.
my %Bodies = (
    'POST /traces/batch' => \&batch,
    'POST /otlp/v1/traces' => \&traces,
    'POST /otlp/v1/metrics' => \&metrics,
    'POST /otlp/v1/logs' => \&logs,
    'POST /v1/traces' => \&traces,
    'POST /v1/metrics' => \&metrics,
    'POST /v1/logs' => \&logs,
);

my $Count = 0;


sub fill {
    my ($class, $api) = @_;

    my $mark = 'mark' . substr Senders::uuid() =~ s/-//gr, 0, 12;
    my $span = substr Senders::uuid() =~ s/-//gr, 0, 16;
    my $trace = Senders::uuid();
    my $hex = Senders::uuid() =~ s/-//gr;

    my $self = bless {
        api => $api, mark => $mark, span => $span, hex => $hex,
        now => int(time) - 30 - 10 * $Count++,  # no two at the same time
        value => {
            trace_id => $trace, span_id => Senders::uuid(), traceId => $hex,
            agent => "$mark agent", outcome => "$mark outcome",
            model => "$mark model", q => "$mark error", error => "$mark error",
            metadata => '{"note":"' . "$mark note" . '"}',
            session_id => "$mark session", sessionId => "$mark session",
            user_id => "$mark user", userId => "$mark user",
            service_name => "$mark service", metric => "$mark.metric",
            labels => '{"host":"' . "$mark host" . '"}',
            name => "$mark name", tag => "$mark tag", runId => "$mark run",
            resourceId => $hex, score => 0.5, success => JSON::PP::true,
            label => "$mark label", reason => "$mark reason",
            type => "$mark type", metadata_key => 'note',
            metadata_value => "$mark note",
        },
    }, $class;

    for my $path ('/traces/batch', '/v1/traces', '/otlp/v1/metrics',
                  '/otlp/v1/logs')
    {
        my $answer = $self->request({ method => 'POST', path => $path,
                                      params => [] });

        die "POST $path: $answer->{status} $answer->{body}\n"
            if $answer->{status} != 200 || $answer->{body} =~ /partialSucc/;
    }

    $self->learn;

    return $self;
}


# What the server has made: ids and cursors.
sub learn {
    my $self = shift;

    my $value = $self->{value};
    my $score = $self->send(POST => '/v1/score', { resourceId => $self->{hex},
        map { $_ => $value->{$_} } qw(name score label reason type) });
    my $agents = $self->send(GET => '/agents')->{json};
    my $traces = $self->send(GET => '/dashboard/traces?page_size=1')->{json};
    my $logs = $self->send(GET => '/dashboard/logs/search?limit=1')->{json};

    $value->{scoreId} = $score->{json}{id};
    $value->{log_id} = $logs->{logs}[0]{id};
    $value->{cursor} = $traces->{next_cursor};
    $value->{after} = Api::iso(0) . "~$value->{span_id}";
    ($value->{agent_id}) = map { $_->{id} }
                           grep { $_->{name} eq $value->{agent} } @$agents;
    ($value->{agent_b}) = map { $_->{id} }
                          grep { $_->{name} ne $value->{agent} } @$agents;
    $value->{agent_a} = $value->{agent_id};

    die "not everything is there\n" if grep { !defined } values %$value;
}


# --- requests ----------------------------------------------------------------

sub value {
    my ($self, $route, $param) = @_;

    my $name = $param->{name};
    my $value = $self->{value};

    return $value->{metric} if $route->{path} eq '/dashboard/metrics/query'
                               && $name eq 'name';
    return $self->{hex} if $route->{path} eq '/dashboard/logs/search'
                           && $name eq 'trace_id';
    return $value->{after} if $param->{kind} eq 'AFTER';
    return $value->{$name} // die "t/lib/Everything.pm has no value for $name"
                                  . " of $route->{method} $route->{path}\n";
}


# A parameter that may be an id of something, or select it.
sub selects {
    my ($param) = @_;

    return $param->{kind} =~ /^(?:UUID|TEXT|CURSOR|AFTER|OBJECT)$/
           && !$param->{flag}{ALIAS};
}


sub request {
    my ($self, $route, %given) = @_;

    my $header = delete $given{header};
    my ($path, $body) = $self->parts($route, %given);

    return $self->send($route->{method}, $path, $body,
                       $header ? %$header : ());
}


# The path with its query, and the body.
sub parts {
    my ($self, $route, %given) = @_;

    my $path = $route->{path};
    my (@query, %body);

    for my $param (@{ $route->{params} }) {
        my $name = $param->{name};
        my $needed = $param->{flag}{PATH} || $param->{flag}{REQUIRED};
        my $value = $given{$name}
                    // ($needed ? $self->value($route, $param) : next);

        if ($param->{flag}{PATH}) {
            $path =~ s/\{$name\}/Api::escape($value)/e;
        } elsif ($param->{flag}{BODY}) {
            $body{$name} = $value;
        } else {
            push @query, "$name=" . Api::escape($value);
        }
    }

    my $make = $Bodies{"$route->{method} $route->{path}"};
    my $body = $make ? $make->($self, %given) : %body ? \%body : undef;

    return (join('?', $path, join('&', @query) || ()), $body);
}


sub send {
    my ($self, $method, $path, $body, %header) = @_;

    $header{'X-Agentmark-App-Id'} //= $self->{api}{account};

    return $self->{api}->send($method, $path, $body, %header);
}


# --- what is sent ------------------------------------------------------------

sub batch {
    my ($self, %given) = @_;

    my $value = $self->{value};
    my %header = (agent => $value->{agent}, started_at => iso($self->{now} + 1));

    return { traces => [{
        trace => { %header, trace_id => Senders::uuid(), status => 'running' },
    }, {
        trace => { %header, trace_id => $given{trace_id} // $value->{trace_id},
                   status => 'failed', started_at => iso($self->{now} + 2),
                   ended_at => iso($self->{now} + 3), success => \0,
                   outcome => $value->{outcome}, total_tokens => 30,
                   total_cost_usd => '0.004500',
                   error_message => $value->{error},
                   metadata => { note => $value->{metadata_value} } },
        spans => [{ span_id => $given{span_id} // $value->{span_id},
                    type => 'llm', name => $value->{q},
                    started_at => iso($self->{now} + 2),
                    ended_at => iso($self->{now} + 3),
                    model => $value->{model}, input_tokens => 10,
                    output_tokens => 20, cost_usd => '0.004500',
                    input => { text => "$self->{mark} input" },
                    output => "$self->{mark} output" }],
    }] };
}


sub traces {
    my ($self, %given) = @_;

    my $value = $self->{value};
    my %span = (traceId => $given{hex} // $self->{hex}, kind => 2,
                startTimeUnixNano => "$self->{now}000000001",
                endTimeUnixNano => $self->{now} + 1 . '000000000',
                name => $value->{name},
                status => { code => 2, message => $value->{error} });

    return { resourceSpans => [{
        resource => resource($self),
        scopeSpans => [{ scope => { name => "$self->{mark} scope" }, spans => [
            { %span, spanId => $given{span} // $self->{span},
              attributes => attributes(
                  'session.id' => $value->{session_id},
                  'user.id' => $value->{user_id},
                  'agentmark.session_name' => $value->{name},
                  'agentmark.trace_name' => $value->{name},
                  'agentmark.tags' => $value->{tag},
                  'agentmark.metadata.note' => $value->{metadata_value},
                  'agentmark.metadata.graph.node.id' => "$self->{mark} node",
                  'agentmark.dataset_run_id' => $value->{runId},
                  'gen_ai.operation.name' => 'chat',
                  'gen_ai.request.model' => $value->{model},
                  'gen_ai.input.messages' =>
                      qq([{"role":"user","content":"$self->{mark}"}])),
              events => [{ name => "$self->{mark} event",
                           timeUnixNano => "$self->{now}000000002" }],
              links => [{ traceId => '1' x 32, spanId => '2' x 16 }] },
            { %span, spanId => scalar reverse($given{span} // $self->{span}),
              parentSpanId => $given{span} // $self->{span}, kind => 3,
              attributes => [] },
        ] }],
    }] };
}


sub metrics {
    my ($self) = @_;

    my $value = $self->{value};
    my %point = (timeUnixNano => "$self->{now}000000000",
                 attributes => attributes(host => "$self->{mark} host"));

    return { resourceMetrics => [{ resource => resource($self),
        scopeMetrics => [{ scope => {}, metrics => [
            { name => $value->{metric}, unit => 'ms',
              description => "$self->{mark} description",
              gauge => { dataPoints => [{ %point, asDouble => 1.5 }] } },
            { name => "$value->{metric}.spread",
              histogram => { aggregationTemporality => 1, dataPoints => [
                  { %point, count => '3', sum => 6, min => 1, max => 3,
                    explicitBounds => [2], bucketCounts => ['1', '2'] }] } },
        ] }] }] };
}


sub logs {
    my ($self, %given) = @_;

    my $value = $self->{value};

    return { resourceLogs => [{ resource => resource($self),
        scopeLogs => [{ scope => {}, logRecords => [
            map {
                { timeUnixNano => "$self->{now}00000000$_",
                  severityNumber => 9,
                  body => { stringValue => "$value->{q} $_" },
                  attributes => attributes(note => $value->{metadata_value}),
                  traceId => $given{hex} // $self->{hex},
                  spanId => $given{span} // $self->{span} }
            } 1, 2
        ] }] }] };
}


sub resource {
    my ($self) = @_;

    return { attributes => attributes(
                 'service.name' => $self->{value}{service_name}) };
}


sub attributes {
    my %given = @_;

    return [map { { key => $_, value => { stringValue => "$given{$_}" } } }
            sort keys %given];
}


sub iso { return Api::iso($_[0] - time) }


1;
