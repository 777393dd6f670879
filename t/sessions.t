# Sessions, the service map, and what spans by OpenTelemetry have more in the
# detail of a trace.

use strict;
use warnings;

use lib 't/lib';
use Api;
use JSON::PP;
use Test::More;

my $api = Api->new;
my $other = $api->stranger;
my $unknown = uuid();

sub in_session {
    my ($to, $session, @traces) = @_;

    $to->store(@traces);
    $to->sql("update agentvista.traces set session_id = '$session', name ="
             . " 'turn of $session', user_id = 'user of $session'"
             . " where account_id = '$to->{account}' and trace_id in ("
             . join(', ', map { "'$_->{trace}{trace_id}'" } @traces) . ')');
}

sub ids { return join ' ', map { $_->{session_id} } @{ $_[0]{json}{sessions} } }


subtest 'sessions' => sub {
    is($api->get('/dashboard/sessions')->{json}{total}, 0, 'none');

    my $now = time;

    in_session($api, 'old', map { trace({
        started_at => iso(-3000 + $_, $now),
        ended_at => iso(-2999 + $_, $now),
        status => $_ ? 'failed' : 'completed', success => \$_,
        total_tokens => 10, total_cost_usd => '0.100000', duration_ms => 1000,
    }) } 0, 1);
    in_session($api, 'new', map { trace({ started_at => iso(-$_) }) }
                                10, 2000, 4000);
    in_session($other, 'old', trace({}));
    $api->store(trace({}));

    my $answer = $api->get('/dashboard/sessions');
    is(ids($answer), 'new old', 'the latest first');
    is($answer->{json}{total}, 2, 'total');

    my $old = $answer->{json}{sessions}[1];
    is(join('|', map { $_ // 'null' } @$old{qw(session_id name user_id
           trace_count span_count duration_ms failed_count total_tokens
           total_cost_usd)}),
       'old|turn of old|user of old|2|0|2000|1|20|0.2', 'its totals');

    is(ids($api->get('/dashboard/sessions', page_size => 1)), 'new', 'a page');
    is(ids($api->get('/dashboard/sessions', page_size => 1, page => 2)), 'old',
       'the next');
    my $next = $api->get('/dashboard/sessions', page_size => 1)
                   ->{json}{next_cursor};
    is(ids($api->get('/dashboard/sessions', cursor => $next)), 'old',
       'or by cursor');
    is(ids($api->get('/dashboard/sessions', user_id => 'user of old')), 'old',
       'of a user');
    is(ids($api->get('/dashboard/sessions', end => iso(-1900))), 'new old',
       'in a time');
    is(ids($api->get('/dashboard/sessions', start => iso(-100))), 'new',
       'in another');

    $answer = $api->get('/dashboard/sessions/old');
    is(join('|', $answer->{json}{trace_count}, $answer->{json}{total},
            map { $_->{session_id} } @{ $answer->{json}{traces} }),
       '2|2|old|old', 'one session with its traces');
    is($api->get('/dashboard/sessions/new?page_size=2')->{json}{has_more},
       JSON::PP::true, 'in pages');
    is($api->get('/dashboard/sessions/nobody')->{status}, 404, 'unknown');
    is($other->get('/dashboard/sessions/new')->{status}, 404, 'not for others');
    is(ids($other->get('/dashboard/sessions')), 'old', 'who have their own');

    in_session($api, "caf\x{c3}\x{a9} & \"co\"", trace({}));
    is($api->get('/dashboard/sessions/caf%C3%A9%20%26%20%22co%22')->{status},
       200, 'an id of any characters');
    in_session($api, 'a/b', trace({}));
    is($api->get('/dashboard/sessions/a%2Fb')->{json}{session_id}, 'a/b',
       'slashes, too');
    $api->refuses('/dashboard/sessions', @$_)
        for ['start=x', 'start'], ['page=x', 'page'], ['cursor=x', 'cursor'];
    is($api->get("/dashboard/sessions/$_")->{status}, 404, "id $_")
        for '%ff', 'x' x 3000;

    # many sessions, each found once
    in_session($api, "many-$_", trace({ started_at => iso(-5000 - $_ % 7) }),
                                trace({ started_at => iso(-6000 - $_ % 5) }))
        for 1 .. 30;
    my (%seen, $cursor);
    for (1 .. 20) {
        my $page = $api->get('/dashboard/sessions', page_size => 4,
                             $cursor ? (cursor => $cursor) : ())->{json};
        $seen{$_->{session_id}}++ for @{ $page->{sessions} };
        $cursor = $page->{next_cursor} // last;
    }
    is(join(' ', scalar keys %seen, grep { $_ > 1 } values %seen), '34',
       'each of many once');
};


# Parts of one trace that say different sessions, beside a header of an SDK.
subtest 'the session of a trace does not depend on the order' => sub {
    my $part = sub {
        my ($id, $session, $start) = @_;
        (my $hex = $id) =~ s/-//g;

        return '/otlp/v1/traces', { resourceSpans => [{ scopeSpans => [{
            spans => [{ traceId => $hex, spanId => substr(uuid() =~ s/-//gr, 16),
                        parentSpanId => 'b' x 16, name => 'part',
                        startTimeUnixNano => $start . '0' x 9,
                        endTimeUnixNano => ($start + 1) . '0' x 9,
                        attributes => [map {
                            { key => $_,
                              value => { stringValue => "$_ $session" } }
                        } qw(session.id user.id)] }] }] }] };
    };

    my @orders = ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1],
                  [2, 1, 0]);
    my $to = $api->stranger;
    my %found;

    for my $order (@orders) {
        my $id = uuid();
        my @parts = ([$part->($id, 'one', time - 5)],
                     [$part->($id, 'two', time - 9)],
                     ['/traces/batch', { traces => [trace({ trace_id => $id })] }]);

        is($to->send(POST => @{ $parts[$_] })->{status}, 200, 'stored')
            for @$order;
        $found{$to->sql("select session_id || ', ' || user_id from"
                         . " agentvista.traces where trace_id = '$id'")}++;
    }

    is(join('|', %found), 'session.id one, user.id one|6', 'always the same');
};


# Spans as OpenTelemetry ingestion stores them.
my @scope = map { uuid() } 1 .. 2;

sub otlp_span {
    my ($to, $t, %set) = @_;

    my %row = (account_id => "'$to->{account}'",
               home_day => "(select home_day from agentvista.traces where"
                           . " account_id = '$to->{account}' and trace_id ="
                           . " '$t')",
               trace_id => "'$t'", ordinal => 1, type => 13, status => 1,
               name => "'span'", started_at => "now()",
               scope_id => "'$scope[0]'", %set);
    my @columns = sort keys %row;
    $to->sql('insert into agentvista.spans (' . join(', ', @columns)
             . ') values (' . join(', ', @row{@columns}) . ')');
}

sub short { return "00000000-0000-0000-$_[0]" }

$api->sql("insert into agentvista.scopes (account_id, id, service_name,"
          . " resource, name, version, attributes) values"
          . " ('$api->{account}', '$scope[0]', 'web', '{\"k\": 1}', 'lib',"
          . " '1.2', '{}'), ('$api->{account}', '$scope[1]', 'db', '{}', null,"
          . " null, '{}')");


subtest 'the service map' => sub {
    my $map = sub { $api->get('/dashboard/service-map', @_)->{json} };

    is(scalar @{ $map->(start => iso(1000))->{nodes} }, 0, 'nothing');

    my $root = span(name => 'root', duration_ms => 100);
    my $t = trace({ agent => 'planner' }, $root,
                  span(parent_span_id => $root->{span_id}, status => 'failed',
                       duration_ms => 50));
    my $id = $t->{trace}{trace_id};
    $api->store($t);
    otlp_span($api, $id, span_id => "'" . short('0001-000000000001') . "'",
              parent_span_id => "'$root->{span_id}'",
              duration_ns => 40_000_000);
    otlp_span($api, $id, span_id => "'" . short('0001-000000000002') . "'",
              parent_span_id => "'" . short('0001-000000000001') . "'",
              scope_id => "'$scope[1]'", status => 2,
              duration_ns => 20_000_000);

    my $got = $map->(start => iso(-5));
    is(join(' ', map { "$_->{name}/$_->{kind}/$_->{span_count}/"
                       . (0 + $_->{error_rate}) . "/$_->{p95_duration_ms}" }
                     @{ $got->{nodes} }),
       'db/service/1/1/20 planner/agent/2/0.5/98 web/service/1/0/40', 'nodes');
    is(join(' ', map { "$_->{source}>$_->{target}/$_->{call_count}/"
                       . "$_->{error_count}/$_->{p95_duration_ms}" }
                     @{ $got->{edges} }),
       'planner>web/1/0/40 web>db/1/1/20', 'edges');
    is(scalar @{ $map->(end => iso(-86400 * 300))->{nodes} }, 0, 'long ago');
    is(scalar @{ $other->get('/dashboard/service-map')->{json}{edges} }, 0,
       'others have their own');
    $api->refuses('/dashboard/service-map', 'start=x', 'start');
};


subtest 'spans by OpenTelemetry in a trace' => sub {
    my @sdk = map { span(name => "sdk $_",
                         span_id => sprintf '%08x-0000-4000-8000-%012x',
                                            $_, $_ * 16) } 1 .. 2;
    my $t = trace({}, @sdk);
    my $id = $t->{trace}{trace_id};
    $api->store($t);

    my $front = short('0000-0001000040ff');    # no: half of nothing
    my %half = (first => substr($sdk[0]{span_id} =~ s/-//gr, 0, 16),
                last => substr($sdk[1]{span_id} =~ s/-//gr, 16));
    s/^(.{4})(.{12})$/short("$1-$2")/e for values %half;

    my @spans = (
        [http => 13, kind => 3, parent_span_id => "'$half{first}'"],
        [http => 12, parent_span_id => "'$half{last}'"],
        [custom => 13, kind => 1, parent_span_id => "'$front'"],
        [db => 7], [llm => 8, model => "'m'"], [custom => 6], [tool => 3],
        [llm => 14, started_nanos => 5,
         events => q('[{"name":"e","time_unix_nano":"1"}]'),
         links => q('[{"trace_id":"x","span_id":"y"}]'),
         details => q('{"provider":"p"}'), session_id => "'s'",
         user_id => "'u'"],
    );
    my $n = 0;
    for (@spans) {
        my (undef, $type, %set) = @$_;
        otlp_span($api, $id, type => $type, ordinal => 10 + $n,
                  span_id => "'" . short(sprintf '0002-%012x', ++$n) . "'",
                  name => "'otlp $n'", %set);
    }

    my $answer = $api->get("/dashboard/traces/$id")->{json};
    my %span = map { $_->{name} => $_ } @{ $answer->{spans} };

    is(join(' ', map { $span{"otlp $_"}{type} } 1 .. $n),
       join(' ', map { $_->[0] } @spans), 'types as AgentVista knows them');
    is($span{'otlp 1'}{parent_span_id}, $sdk[0]{span_id},
       'a parent that is the first half of an SDK span');
    is($span{'otlp 2'}{parent_span_id}, $sdk[1]{span_id}, 'or the last');
    is($span{'otlp 3'}{parent_span_id}, $front, 'or of none');
    is($span{'otlp 1'}{service_name}, 'web', 'service_name');
    is($span{'otlp 1'}{kind}, 'client', 'kind');
    is($span{'sdk 1'}{kind}, undef, 'of an SDK span null');

    my $rich = $span{'otlp 8'};
    like($rich->{started_at}, qr/\.\d{6}005Z$/, 'nanoseconds');
    is($Api::Json->encode([@$rich{qw(events links details session_id
                                     user_id)}]),
       '[[{"name":"e","time_unix_nano":"1"}],[{"span_id":"y","trace_id":"x"}],'
       . '{"provider":"p"},"s","u"]',
       'events, links, details, session and user');
    is($Api::Json->encode($answer->{scopes}), $Api::Json->encode([
        { id => $scope[0], service_name => 'web', resource => { k => 1 },
          name => 'lib', version => '1.2', attributes => {} }]), 'scopes');
};


subtest 'contents that came in log records' => sub {
    my $t = trace({ status => 'running' });
    my $id = $t->{trace}{trace_id};
    $api->store($t);

    my @ids = map { short("0003-00000000000$_") } 0 .. 3;
    otlp_span($api, $id, span_id => "'$_'", type => 2, name => "'$_'")
        for @ids[0 .. 2];
    otlp_span($api, $id, span_id => "'$ids[3]'", type => 2,
              name => "'$ids[3]'", input => q('"given"'));

    my $count = 0;
    my $event = sub {
        my ($span, $name, $body, %set) = @_;
        my $attributes = $set{attributes} // '{}';
        $api->sql("insert into agentvista.logs (account_id, day, id,"
            . " logged_at, severity, service_name, body, structured,"
            . " attributes, trace_id, span_id, scope_id, event_name) values ("
            . "'$api->{account}', (now() at time zone 'UTC')::date, '"
            . sprintf('%08x-0000-8000-8000-000000000000', ++$count)
            . "', now() + interval '$count ms', 3, 'web', "
            . (defined $body ? "'$body'" : 'null') . ", "
            . ($set{structured} // 'true') . ", '$attributes', '$id', '$span',"
            . " '$scope[0]', " . ($name ? "'$name'" : 'null') . ')');
    };

    $event->($ids[0], 'gen_ai.system.message', '{"content":"be kind"}');
    $event->($ids[0], undef, '{"content":"hi","name":"me"}',
             attributes => '{"event.name":"gen_ai.user.message"}');
    $event->($ids[0], 'gen_ai.choice', '{"index":0,"finish_reason":"stop",'
             . '"message":{"content":"hello"}}');
    $event->($ids[1], 'gen_ai.client.inference.operation.details', undef,
             attributes => '{"gen_ai.system_instructions":[{"type":"text",'
             . '"content":"be brief"}],"gen_ai.input.messages":"[{\\"role\\":'
             . '\\"user\\",\\"parts\\":[{\\"type\\":\\"text\\",\\"content\\":'
             . '\\"a\\"},{\\"type\\":\\"text\\",\\"content\\":\\"b\\"}]}]",'
             . '"gen_ai.output.messages":[{"role":"assistant","parts":'
             . '[{"type":"tool_call","name":"f"}],"finish_reason":"x"}]}');
    $event->($ids[2], 'gen_ai.user.message', 'just text',
             structured => 'null');
    $event->($ids[2], 'gen_ai.choice', '{"index":"x","message":1}');
    $event->($ids[2], 'gen_ai.choice', '{"index":"NaN","message":2}');
    $event->($ids[2], 'gen_ai.choice', '{"index":1e30,"message":3}');
    $event->($ids[2], 'gen_ai.evaluation.result', '{}');
    $event->($ids[2], 'gen_ai.user.message', '{broken', structured => 'null');
    $event->($ids[3], 'gen_ai.user.message', '{"content":"other"}');
    $event->($ids[3], 'gen_ai.choice', '{"message":{"content":"out"}}');

    my $answer = $api->get("/dashboard/traces/$id");
    is($answer->{status}, 200, 'whatever the records are');
    my %span = map { $_->{name} => $_ } @{ $answer->{json}{spans} };

    # As what is stored with a span: a string, in which messages are JSON.
    my $value = sub {
        my $text = $_[0] // return;
        return $text if $text !~ /^\[/;
        utf8::encode($text);
        return $Api::Json->decode($text);
    };
    my $json = sub {
        $Api::Json->encode([map { $value->($_) }
                                @{ $span{$_[0]} }{qw(input output)}]);
    };

    is(join(' ', map { ref $_->{input} || ref $_->{output} } values %span),
       ' ' x 3, 'contents are strings');

    is($json->($ids[0]), $Api::Json->encode([
        [{ role => 'system', content => 'be kind' },
         { role => 'user', content => 'hi', name => 'me' }],
        [{ role => 'assistant', content => 'hello',
           finish_reason => 'stop' }]]), 'an event a message');
    is($json->($ids[1]), $Api::Json->encode([
        [{ role => 'system', content => 'be brief' },
         { role => 'user', content => "a\nb" }],
        [{ role => 'assistant', finish_reason => 'x',
           content => [{ type => 'tool_call', name => 'f' }] }]]),
       'one event with all messages');
    is($Api::Json->encode($value->($span{$ids[2]}{input})), $Api::Json->encode([
        { role => 'user', content => 'just text' },
        { role => 'user', content => '{broken' }]), 'odd ones');
    is(join(' ', map { $_->{content} } @{ $value->($span{$ids[2]}{output}) }),
       '1 2 3', 'and odd places');
    is($json->($ids[3]), $Api::Json->encode([
        'given', [{ role => 'assistant', content => 'out' }]]),
       'what came with the span is kept');
};


is(join('', $api->{nginx}->logged(qw(alert emerg crit error))), '',
   'nothing serious in the error log');

done_testing();
