# The stock OpenTelemetry SDK as a client: what it sends, in every encoding,
# over HTTP and gRPC, is stored whole; and what it does about errors.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use Clients;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use List::Util qw(sum0);
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep);

PrivateNginx::guard(600);

my $Json = JSON::PP->new->utf8->canonical;
my $pg = PrivatePostgres->new;
my $nginx = Clients::server($pg, timeout => '1s');

# Ids and times of what signals.js sends.
my $start = time - 60;

my @transports = map { ([$_, 'none'], [$_, 'gzip']) }
                     'http/protobuf', 'http/json', 'grpc';


# What is stored.

my %stored = (
    spans => <<'END',
        select json_agg(to_jsonb(s)
                        - '{account_id,home_day,ordinal,scope_id,started_at,
                            started_nanos,ended_at,ended_nanos}'::text[]
                        || jsonb_build_object(
                               'started', (extract(epoch from started_at)
                                           * 1e9)::bigint
                                          + coalesce(started_nanos, 0) || '',
                               'ended', (extract(epoch from ended_at)
                                         * 1e9)::bigint
                                        + coalesce(ended_nanos, 0) || '',
                               'scope', c.scope)
                        order by started_at, started_nanos, span_id)
        from agentvista.spans s left join scope c using (scope_id)
        where account_id = '%s'
END

    traces => <<'END',
        select json_agg(to_jsonb(t) - '{account_id,home_day,agent_id}'::text[]
                        || jsonb_build_object('agent', a.name)
                        order by started_at)
        from agentvista.traces t
             join agentvista.agents a using (account_id)
        where account_id = '%s' and a.id = t.agent_id
END

    logs => <<'END',
        select json_agg(to_jsonb(l)
                        - '{account_id,day,id,scope_id,logged_at,logged_nanos,
                            observed_at}'::text[]
                        || jsonb_build_object(
                               'logged', (extract(epoch from logged_at)
                                          * 1e9)::bigint
                                         + coalesce(logged_nanos, 0) || '',
                               'observed', (extract(epoch from observed_at)
                                            * 1e9)::bigint || '',
                               'scope', c.scope)
                        order by id)
        from agentvista.logs l join scope c using (scope_id)
        where account_id = '%s'
END

    points => <<'END',
        select json_agg(row order by row)
        from (select to_jsonb(p)
                     - '{account_id,day,series_id,recorded_at,recorded_nanos,
                         started_at,started_nanos}'::text[]
                     || to_jsonb(s) - '{account_id,id,scope_id}'::text[]
                     || to_jsonb(m) - '{account_id,name}'::text[]
                     || jsonb_build_object('scope', c.scope) as row
              from agentvista.metric_points p
                   join agentvista.series s
                        on (s.account_id, s.id) = (p.account_id, p.series_id)
                   join agentvista.metrics m
                        on (m.account_id, m.name) = (s.account_id, s.metric)
                   join scope c on c.scope_id = s.scope_id
              where p.account_id = '%s') as points
END
);


# Rows of an account, without what is the account's own; nulls are left out.
sub stored {
    my ($account, $table) = @_;

    my $rows = Clients::json($pg, <<END . sprintf $stored{$table}, $account);
        with scope as (
            select id as scope_id,
                   to_jsonb(c) - '{account_id,id}'::text[] as scope
            from agentvista.scopes c
            where account_id = '$account')
END

    return [map { parsed(defined_only($_)) } @{ $rows // [] }];
}


# A row with the body of a log as it is meant.
sub parsed {
    my ($row) = @_;

    $row->{body} = $Json->decode("[$row->{body}]")->[0] if $row->{structured};

    return $row;
}


sub defined_only {
    my ($row) = @_;

    my %row = map { $_ => $row->{$_} } grep { defined $row->{$_} } keys %$row;
    $row{scope} = defined_only($row{scope}) if $row{scope};

    return \%row;
}


# What should be.

sub nanoseconds {
    my ($seconds, $fraction) = $_[0] =~ /^(\d+)(?:\.(\d+))?$/;

    return $start + $seconds . substr +($fraction // '') . '0' x 9, 0, 9;
}


sub uuid {
    my $hex = sprintf '%032s', $_[0];

    return join '-', unpack 'A8 A4 A4 A4 A12', $hex =~ tr/ /0/r;
}


# A value of the SDK: bytes are stored as base64, U+0000 not at all.
sub value {
    my ($value) = @_;

    return [map { value($_) } @$value] if ref $value eq 'ARRAY';
    return $value if ref $value && ref $value ne 'HASH' || !defined $value;
    return $value =~ tr/\0//dr if !ref $value && $value =~ /\0/;
    return $value if !ref $value;

    return $value->{bytes} if keys %$value == 1 && !ref $value->{bytes}
                              && exists $value->{bytes};

    return { map { $_ => value($value->{$_}) } keys %$value };
}


sub scope {
    my ($sent, $name) = @_;

    my $scope = $sent->{scopes}{$name};

    return defined_only({
        service_name => 'shop', resource => $sent->{resource},
        name => $scope->{name}, version => $scope->{version},
        schema_url => $scope->{schemaUrl}, attributes => {}
    });
}


# What the semantic conventions make of a span, by its id in data.js.
my %meaning = (
    'order/child' => { type => 13 },
    'order/root' => { type => 4, session_id => 'session-1',
                      user_id => 'user-1' },
    'order/late' => { type => 11 },
    'order/failed' => { type => 5, details => { error_type => 'RangeError' } },
    'order/chat' => {
        type => 2, model => 'gpt-4o-2024-08-06', input_tokens => 1000,
        output_tokens => 200, total_tokens => 1200, cost_usd => 0.0045,
        input => '[{"role":"user","content":"Hi"}]',
        output => '[{"role":"assistant","content":"Hello",'
                  . '"finish_reason":"stop"}]',
        details => { provider => 'openai', request_model => 'gpt-4o',
                     finish_reason => 'stop',
                     settings => { temperature => 0.5 } } },
    'order/long' => { type => 13 },
    'payment/gate' => { type => 13, details => {
        trace_state => 'vendor=one,other=two' } },
);


sub expected_span {
    my ($sent, $span) = @_;

    my $ids = $sent->{ids};
    my $status = $span->{status} // { code => 0 };
    my ($from, $to) = map { nanoseconds($span->{$_}) } qw(start end);

    my @events = map { {
        name => $_->{name}, time_unix_nano => nanoseconds($_->{at}),
        attributes => value($_->{attributes} // {})
    } } @{ $span->{events} // [] };

    push @events, { name => 'exception', time_unix_nano => $to,
                    attributes => $span->{exception} } if $span->{exception};

    my @links = map { {
        trace_id => $ids->{ $_->{to} }{traceId},
        span_id => $ids->{ $_->{to} }{spanId},
        attributes => $_->{attributes} // {},
        flags => 0x101,
        $_->{traceState} ? (trace_state => $_->{traceState}) : ()
    } } @{ $span->{links} // [] };

    return defined_only({
        trace_id => uuid($ids->{ $span->{id} }{traceId}),
        span_id => uuid($ids->{ $span->{id} }{spanId}),
        parent_span_id => $span->{parent}
                          && uuid($ids->{ $span->{parent} }{spanId}),
        name => $span->{name},
        kind => $span->{kind} + 1,
        otlp_status => $status->{code},
        status => $status->{code} == 2 ? 2 : 1,
        error_message => $status->{message},
        started => $from, ended => $to, duration_ns => $to - $from,
        metadata => $span->{attributes} && value($span->{attributes}),
        events => @events ? \@events : undef,
        links => @links ? \@links : undef,
        scope => scope($sent, $span->{scope}),
        %{ $meaning{ $span->{id} } }
    });
}


sub expected_log {
    my ($sent, $log) = @_;

    my $body = value($log->{body});
    my $text = $Json->encode([$log->{body}]) =~ /^\["/;
    my $ids = $log->{span} && $sent->{ids}{ $log->{span} };
    my $number = $log->{severityNumber};

    return defined_only({
        logged => nanoseconds($log->{at}),
        observed => nanoseconds($log->{observed} // $log->{at}),
        severity => $number ? int(($number + 3) / 4)
                    : $log->{severityText} ? 4 : 3,
        severity_number => $number,
        severity_text => $log->{severityText},
        service_name => 'shop',
        event_name => $log->{eventName},
        body => $body,
        structured => defined $body && !$text ? JSON::PP::true : undef,
        attributes => $log->{exception} // value($log->{attributes}),
        trace_id => $ids && uuid($ids->{traceId}),
        span_id => $ids && uuid($ids->{spanId}),
        flags => $ids && 1,
        scope => scope($sent, $log->{scope})
    });
}


# Of histograms: everything but the labels.
my %histogram = (
    latency => {
        value => 7.3 / 3, count => 3, sum => 7.3, min => 0.1, max => 7,
        buckets => { bounds => [0.1, 0.5, 1], counts => [1, 1, 0, 1] } },
    'exponential.size' => {
        value => 250000.625, count => 4, sum => 1000002.5, min => 0,
        max => 1000000,
        buckets => {
            scale => -1, zero_count => 1, zero_threshold => 0,
            positive => { offset => -1,
                          counts => [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
            negative => { offset => 0, counts => [] } } }
);


# The points of a metric: cumulative and delta, or, of what has no delta, twice
# the same.
sub expected_points {
    my ($sent, $metric) = @_;

    my $kind = $metric->{kind} =~ s/^Observable//r;
    my ($type, $monotonic, @temporality) = @{ {
        Counter => [2, 1, 1, 2], UpDownCounter => [2, 0, 2, 2],
        Gauge => [1, 0, 0, 0],
        Histogram => [$metric->{name} =~ /^exp/ ? 4 : 3, 0, 1, 2]
    }->{$kind} };
    my %series;

    for (@{ $metric->{values} }) {
        my ($value, $labels) = @$_;
        push @{ $series{ $Json->encode($labels) } }, $value;
    }

    return map { my $labels = $_; map { defined_only({
        metric => $metric->{name}, type => $type,
        monotonic => $monotonic ? JSON::PP::true : JSON::PP::false,
        temporality => $_,
        labels => { 'service.name' => 'shop', %{ $Json->decode($labels) } },
        unit => $metric->{options}{unit} // '',
        description => $metric->{options}{description} // '',
        scope => scope($sent, $metric->{scope}),
        $kind eq 'Histogram' ? %{ $histogram{ $metric->{name} } }
                             : measured($metric, @{ $series{$labels} })
    }) } @temporality } keys %series;
}


sub measured {
    my ($metric, @values) = @_;

    my $value = $metric->{kind} =~ /Gauge/ ? $values[-1] : sum0(@values);

    return (value => $value,
            integer_value => defined $metric->{options}{valueType}
                             ? $value : undef);
}


# In an order of their own, with numbers that look alike.
sub sorted {
    my ($rows) = @_;

    my %by_text = map {
        my $row = $_;
        my $text = $Json->encode($row);
        ((join ' ', map { $row->{$_} // '' } qw(span_id logged metric)) . $text
         => $row)
    } map { numbers($_) } @$rows;

    return [@by_text{ sort keys %by_text }];
}


sub numbers {
    my ($value) = @_;

    return [map { numbers($_) } @$value] if ref $value eq 'ARRAY';
    return { map { $_ => numbers($value->{$_}) } keys %$value }
        if ref $value eq 'HASH';

    return defined $value && !ref $value ? "$value" : $value;
}


sub expected_traces {
    my ($sent) = @_;

    my $ids = $sent->{ids};

    return [
        { trace_id => uuid($ids->{'order/root'}{traceId}), agent => 'shop',
          name => 'POST /orders', session_id => 'session-1',
          user_id => 'user-1', header => 1, status => 1,
          header_ns => nanoseconds('0.123456789'),
          header_span => uuid($ids->{'order/root'}{spanId}),
          started_at => instant('0.123456'), ended_at => instant('4.000000'),
          duration_ns => 3876543218, span_count => 6, span_tokens => 1200,
          span_cost_usd => 0.0045,
          span_start_ns => nanoseconds('0.123456789'),
          span_end_ns => nanoseconds('4.000000007') },
        { trace_id => uuid($ids->{'payment/gate'}{traceId}), agent => 'shop',
          header => 2, status => 1, header_ns => nanoseconds('0.9'),
          header_span => uuid($ids->{'payment/gate'}{spanId}),
          started_at => instant('0.9'), ended_at => instant('1.1'),
          duration_ns => 200000000, span_count => 1,
          span_start_ns => nanoseconds('0.9'),
          span_end_ns => nanoseconds('1.1') },
    ];
}


sub instant {
    my ($at) = @_;

    return $Json->decode($pg->sql("select to_json(to_timestamp($start)"
                                  . " + interval '$at seconds')")
                         =~ s/.*/[$&]/r)->[0];
}


# Every export has succeeded, and each request at the first time.
sub succeeded {
    my ($name, $sent, $exports, %option) = @_;

    is_deeply([map { $_->{code} } @{ $sent->{exports} }], [(0) x $exports],
              "$name: the SDK reports success")
        or diag explain $sent->{exports};
    is_deeply($sent->{failures}, [], "$name: and so do its flushes");

    my @requests = Clients::requests($nginx);

    is_deeply([map { $_->{status} } @requests], [(200) x $exports],
              "$name: in as many requests");

    return @requests;
}


sub spans {
    my ($account) = @_;

    return $pg->sql("select count(*) || ' ' || count(distinct span_id)"
                    . " from agentvista.spans where account_id = '$account'");
}


my %first;


for (@transports) {
    my ($protocol, $compression) = @$_;
    my $name = "$protocol, $compression";

    subtest $name => sub {
        my ($account, $key) = Audit::account($pg);

        my $sent = Clients::run($nginx, 'signals', key => $key,
                                protocol => $protocol,
                                compression => $compression,
                                env => { START => $start });
        my @requests = succeeded($name, $sent, 4);

        is_deeply([map { $_->{encoding} } @requests],
                  [($protocol ne 'grpc' && $compression eq 'gzip'
                    ? 'gzip' : '-') x 4],
                  'compressed as asked');

        my %expected = (
            spans => [map { expected_span($sent, $_) } @{ $sent->{spans} }],
            traces => expected_traces($sent),
            logs => [map { expected_log($sent, $_) } @{ $sent->{logs} }],
            points => [map { expected_points($sent, $_) }
                           @{ $sent->{metrics} }]
        );

        for my $table (sort keys %expected) {
            my $rows = stored($account, $table);

            is_deeply(sorted($rows), sorted($expected{$table}),
                      "$table are stored as sent");

            my $text = $Json->encode($rows);
            is($text, $first{$table} //= $text,
               "$table are the same for all transports");
        }
    };
}


subtest 'what is stored can be read' => sub {
    my ($account, $key) = Audit::account($pg);

    my $sent = Clients::run($nginx, 'signals', key => $key,
                            env => { START => $start });
    succeeded('read', $sent, 4);

    my $id = uuid($sent->{ids}{'order/root'}{traceId});
    my $answer = $nginx->get("/api/v1/dashboard/traces/$id", $key);

    is($answer->{status}, 200, 'the trace is there');

    my $trace = $Json->decode($answer->{body});
    my %spans = map { $_->{name} => $_ } @{ $trace->{spans} };

    is($trace->{agent_name}, 'shop', 'its agent is the service');
    is($trace->{status}, 'completed', 'its status is the root\'s');
    is($trace->{duration_ms}, 3876, 'its duration');
    is($trace->{total_tokens}, 1200, 'its tokens');

    is_deeply({ map { $_->{name} => $_->{type} } values %spans },
              { 'ends before its parent' => 'custom',
                'POST /orders' => 'http', 'charge' => 'db',
                'ends after its parent' => 'custom', 'chat gpt-4o' => 'llm',
                'a moment, with much to say' => 'custom' },
              'types of spans');

    my $chat = $spans{'chat gpt-4o'};

    is($chat->{model}, 'gpt-4o-2024-08-06', 'the model');
    is($chat->{cost_usd}, 0.0045, 'the cost');
    is($chat->{service_name}, 'shop', 'the service');
    is($chat->{parent_span_id},
       uuid($sent->{ids}{'order/root'}{spanId}), 'the parent');
    is($spans{charge}{status}, 'failed', 'a failed span');
    is($spans{charge}{error_message}, "Karte abgelehnt: \x{2717}",
       'and why it failed');

    for my $span (@{ $sent->{spans} }) {
        my $read = $spans{ $span->{name} } // next;
        my $expected = expected_span($sent, $span);

        is_deeply({ map { $_ => $read->{$_} } qw(metadata events links) },
                  { map { $_ => $expected->{$_} } qw(metadata events links) },
                  "attributes, events and links of $span->{name}");
    }
};


subtest 'the paths below the API' => sub {
    my ($account, $key) = Audit::account($pg);

    for my $protocol ('http/protobuf', 'http/json') {
        for my $base ('/api/v1', '/api/v1/otlp') {
            my $sent = Clients::run($nginx, 'steps', key => $key,
                                    protocol => $protocol, base => $base,
                                    env => { STEPS => 3, SERVICE => 'x' });

            is_deeply([map { $_->{code} } @{ $sent->{exports} }], [0],
                      "$protocol to $base is taken");
        }
    }

    is(spans($account), '12 12', 'and stored');
};


subtest 'numbers that are none, or too large' => sub {
    for my $protocol ('http/protobuf', 'http/json', 'grpc') {
        my ($account, $key) = Audit::account($pg);

        my $sent = Clients::run($nginx, 'odd', key => $key,
                                protocol => $protocol);
        Clients::requests($nginx);

        # In JSON the SDK writes {"intValue":1e+300}.
        is_deeply([map { $_->{code} } @{ $sent->{exports} }], [0],
                  "$protocol: they are taken");
        is(spans($account), '2 2', "$protocol: and stored");

        my $attributes = Clients::json($pg, <<END);
            select metadata from agentvista.spans
            where account_id = '$account' and name = 'odd'
END

        # JSON has none: the SDK writes null.
        is_deeply([map { $attributes->{$_} } qw(nan infinity minus)],
                  $protocol eq 'http/json'
                  ? [undef, undef, undef] : ['NaN', 'Infinity', '-Infinity'],
                  "$protocol: what is no number");
        is_deeply([map { 0 + ($attributes->{$_} // 0) } qw(large huge)],
                  [2 ** 64, 1e300], "$protocol: large ones");
    }
};


subtest 'a wrong key' => sub {
    my $key = 'av_' . '0' x 64;

    for (['http/protobuf', 401], ['http/json', 401], ['grpc', 16]) {
        my ($protocol, $code) = @$_;

        my $sent = Clients::run($nginx, 'steps', key => $key,
                                protocol => $protocol,
                                env => { STEPS => 2, SERVICE => 'x' });
        my @requests = Clients::requests($nginx);

        is_deeply([map { $_->{error}{code} } @{ $sent->{exports} }], [$code],
                  "$protocol: the exporter hears $code");
        is(@requests, 1, "$protocol: and gives up");
    }
};


subtest 'a spent quota' => sub {
    for (['http/protobuf', 429], ['http/json', 429], ['grpc', 14]) {
        my ($protocol, $code) = @$_;
        my ($account, $key) = Audit::account($pg, events_limit => 4);

        my @sent = map {
            Clients::run($nginx, 'steps', key => $key, protocol => $protocol,
                         timeout => 3, env => { STEPS => $_, SERVICE => 'x' })
        } 3, 2, 1;
        my @requests = Clients::requests($nginx);

        is_deeply([map { $_->{code} } map { @{ $_->{exports} } } @sent],
                  [0, 1, 0], "$protocol: what is too much is refused");
        is($protocol eq 'grpc' ? $sent[1]{exports}[0]{error}{code}
                               : $requests[1]{status},
           $code, "$protocol: by $code");
        is(@requests, 3, "$protocol: the exporter does not ask again at once");

        if ($protocol ne 'grpc') {
            like($requests[1]{retry}, qr/^\d+$/, "$protocol: Retry-After");
        }

        is(spans($account), '4 4', "$protocol: what fits is stored");
        is(Audit::charged($pg, $account), 4, "$protocol: and charged");
    }
};


subtest 'Postgres is away for a while' => sub {
    for my $protocol ('http/protobuf', 'http/json') {
        my ($account, $key) = Audit::account($pg);

        $pg->stop;
        my $client = Clients::start($nginx, 'steps', key => $key,
                                    protocol => $protocol, timeout => 60,
                                    env => { STEPS => 5, SERVICE => 'x' });
        my @requests;
        PrivateNginx::wait_for(15, sub {
            push @requests, Clients::requests($nginx);
            @requests > 0;
        });
        $pg->start;

        my $sent = Clients::finish($client);
        push @requests, Clients::requests($nginx);

        is($requests[0]{status}, 503, "$protocol: the first answer is 503");
        like($requests[0]{retry}, qr/^\d+$/, "$protocol: with Retry-After");
        is($requests[-1]{status}, 200, "$protocol: the last is 200");
        is_deeply([map { $_->{code} } @{ $sent->{exports} }], [0],
                  "$protocol: the exporter reports success");
        is(spans($account), '5 5', "$protocol: everything is stored, once");
        is(Audit::charged($pg, $account), 5, "$protocol: and charged once");
    }

    my ($account, $key) = Audit::account($pg);
    my %steps = (key => $key, protocol => 'grpc',
                 env => { STEPS => 5, SERVICE => 'x' });

    # The SDK's gRPC exporter never tries again.
    $pg->stop;
    my $sent = Clients::run($nginx, 'steps', %steps);
    $pg->start;

    is_deeply([map { $_->{error}{code} } @{ $sent->{exports} }], [14],
              'grpc: the exporter hears UNAVAILABLE');

    ok($nginx->ready, 'Postgres is back');
    $sent = Clients::run($nginx, 'steps', %steps);
    is_deeply([map { $_->{code} } @{ $sent->{exports} }], [0],
              'grpc: later it succeeds');
    is(spans($account), '5 5', 'grpc: and is stored');
    Clients::requests($nginx);
};


subtest 'a client that did not wait for the answer sends again' => sub {
    my ($account, $key) = Audit::account($pg);

    # The key and the agent are known.
    Clients::run($nginx, 'steps', key => $key,
                 env => { STEPS => 1, SERVICE => 'shop' });

    $pg->hold("agentvista.$_", 5) for qw(spans logs);

    my @sent = map {
        Clients::run($nginx, 'signals', key => $key, timeout => $_,
                     env => { START => $start })
    } 1, 30;
    Clients::requests($nginx);

    is_deeply([map { $_->{code} } @{ $sent[0]{exports} }[0, 1]], [1, 1],
              'the first time the exporter reports failure');
    is_deeply([map { $_->{code} } @{ $sent[1]{exports} }], [(0) x 4],
              'the second time success');
    is(spans($account), '8 8', 'the spans are stored once');
    is(scalar @{ stored($account, 'logs') }, 10, 'and the logs');
};


subtest 'two processes continue a trace at the same time' => sub {
    my ($account, $key) = Audit::account($pg);

    my $root = Clients::run($nginx, 'steps', key => $key,
                            env => { STEPS => 1, SERVICE => 'root' });
    my ($id) = $root->{traceparent} =~ /^00-(\w{32})/;

    my @clients = map {
        my ($service, $protocol) = @$_;
        Clients::start($nginx, 'steps', key => $key, protocol => $protocol,
                       compression => 'gzip',
                       env => { STEPS => 200, PIECE => 7, SERVICE => $service,
                                TRACEPARENT => $root->{traceparent} });
    } ['left', 'grpc'], ['right', 'http/json'], ['third', 'http/protobuf'];

    for my $client (map { Clients::finish($_) } @clients) {
        is_deeply([grep { $_->{code} } @{ $client->{exports} }], [],
                  'all exports succeed');
    }

    my ($trace) = @{ stored($account, 'traces') };

    is($trace->{trace_id}, uuid($id), 'it is one trace');
    is($trace->{span_count}, 601, 'with all spans');
    is($trace->{agent}, 'root', 'and the root\'s service');
    is(spans($account), '601 601', 'each is stored once');
    is($pg->sql("select count(*) from agentvista.spans s, agentvista.traces t"
                . " where s.account_id = '$account'"
                . " and t.account_id = s.account_id"
                . " and s.home_day = t.home_day"), 601, 'in one place');
    Clients::requests($nginx);
};


# The steps are functions of the key; what they leave does not depend on their
# order.
sub any_order {
    my ($name, %step) = @_;

    my ($first, $which);

    for my $order (permutations(sort keys %step)) {
        my ($account, $key) = Audit::account($pg);

        $step{$_}->($key) for @$order;

        my $id = uuid(substr sha256_hex("$start order"), 0, 32);
        my $read = $nginx->get("/api/v1/dashboard/traces/$id", $key);

        my $left = { spans => stored($account, 'spans'),
                     read => impersonal($Json->decode($read->{body})),
                     traces => stored($account, 'traces') };

        $which = "@$order" if !$first;
        is_deeply($left, $first //= $left, "$name: @$order as $which");
    }

    Clients::requests($nginx);

    return $first;
}


# A trace as the API shows it, without the ids that depend on the account.
sub impersonal {
    my ($trace) = @_;

    delete $trace->{agent_id};

    my %scope = map { delete $_->{id} => $_ } @{ delete $trace->{scopes} };
    my @spans = @{ $trace->{spans} };

    $_->{scope} = $scope{ delete $_->{scope_id} // '' } for @spans;

    return $trace;
}


sub permutations {
    my (@items) = @_;

    return [] if !@items;

    return map {
        my $i = $_;
        my @rest = @items[grep { $_ != $i } 0 .. $#items];
        map { [$items[$i], @$_] } permutations(@rest);
    } 0 .. $#items;
}


sub part {
    my ($spans, $protocol) = @_;

    return sub {
        my $sent = Clients::run($nginx, 'signals', key => $_[0],
                                protocol => $protocol,
                                env => { START => $start, ONLY => $spans });
        die 'it was not taken' if grep { $_->{code} } @{ $sent->{exports} };
    };
}


subtest 'parts of a trace may come in any order' => sub {
    my %parts = (
        root => part('order/root', 'grpc'),
        rest => part('order/chat,order/late,order/failed', 'http/json')
    );

    my $left = any_order('spans', %parts);

    is($left->{traces}[0]{header}, 1, 'the root makes the header');
    is($left->{traces}[0]{span_count}, 4, 'of all spans');

    my $iso = instant('0.5');
    my $end = instant('3');
    my $batch = { traces => [{
        trace => { trace_id => uuid(substr sha256_hex("$start order"), 0, 32),
                   agent => 'assistant', started_at => $iso, ended_at => $end,
                   status => 'completed', success => JSON::PP::true,
                   total_tokens => 77, metadata => { from => 'sdk' } },
        spans => [{ span_id => uuid('a' x 32), name => 'of the SDK',
                    type => 'agent', started_at => $iso,
                    ended_at => $end }] }] };

    $left = any_order('with a batch', %parts, batch => sub {
        my $answer = $nginx->post($_[0], $Json->encode($batch));
        die $answer->{body} if $answer->{status} != 200;
    });

    is($left->{traces}[0]{header}, 0, 'the batch makes the header');
    is($left->{traces}[0]{agent}, 'assistant', 'and names the agent');
    is($left->{traces}[0]{total_tokens}, 77, 'and the totals');
    is($left->{traces}[0]{span_count}, 5, 'all spans count');
};


is(join('', $nginx->logged(qw(alert emerg crit))), '',
   'nothing serious in the error log');

done_testing;
