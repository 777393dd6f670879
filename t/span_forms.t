# Spans as the module writes them, in each of their forms, from whatever their
# columns may hold.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista qw(sql uuid);
use JSON::PP;
use PrivateNginx;
use Test::More;

PrivateNginx::guard(60);

my $server = AgentMark->new;
my ($account, $key) = do {
    my $app = $server->app;
    @$app{qw(account key)};
};
my $app = $server->app(account => $account, key => $key,
                       header => ["Authorization: Bearer $key",
                                  "X-Agentmark-App-Id: $account"]);

my $trace = uuid();
my $digits = $trace =~ s/-//gr;
my $id = '00000000-0000-0000-0123-456789abcdef';
my $day = substr AgentVista::iso(0), 0, 10;

sql("insert into agentvista.agents (account_id, id, name) values"
    . " ('$account', '$account', 'tester')");
sql("insert into agentvista.scopes (account_id, id, service_name, resource,"
    . " attributes) values ('$account', '$account', 'a \"service\"', '{}', '{}')");
sql("insert into agentvista.traces (account_id, trace_id, home_day, agent_id,"
    . " status, started_at, span_count) values ('$account', '$trace', '$day',"
    . " '$account', 1, '${day}T00:00:00Z', 1)");
sql("insert into agentvista.spans (account_id, home_day, trace_id, span_id,"
    . " ordinal, type, status, name, started_at) values ('$account', '$day',"
    . " '$trace', '$id', 1, 0, 1, 'step', '${day}T00:00:00Z')");


our $Value = qr/"(?:[^"\\]|\\.)*"|[\[{](?:(??{ $main::Value })|[,: ])*[\]}]
                |\s*[^\s,:"\[\]{}]+/x;


# The texts of a member in AgentVista's, AgentMark's and the export's form, once
# the span's columns are as given; '' where there is none.  With slashes: the
# names that it has there.
sub forms {
    my ($member, $columns) = @_;

    my ($vista, $mark) = split m{/}, $member;

    sql("update agentvista.spans set $columns where account_id = '$account'");

    my $day_of = "startDate=$day&endDate=$day";
    my @texts = ($app->get("/v1/dashboard/traces/$trace")->{body}
                     =~ s/.*"spans" : \[//sr,
                 $app->get("/v1/traces/$digits")->{body} =~ s/.*"spans":\[//sr,
                 $app->get("/v1/traces/export?$day_of")->{body}
                     =~ s/\{"_export_meta.*//sr);

    return map {
        my $name = shift @$_;
        $_->[0] =~ /"\Q$name\E":($Value)/ ? $1 : '';
    } [$vista, $texts[0]], map { [$mark // $vista, $_] } @texts[1, 2];
}


sub forms_are {
    my ($member, $columns, @expected) = @_;

    $columns =~ s/\n\s*/ /g;

    is(join(' | ', forms($member, $columns)), join(' | ', @expected),
       "$member: $columns");
}


subtest 'words' => sub {
    my @types = qw(custom agent llm tool http db custom db llm custom custom
                   custom http custom llm);

    for (0 .. $#types) {
        my $type = $_ == 2 || $_ == 8 ? 'GENERATION' : 'SPAN';

        forms_are('type', "type = $_", qq("$types[$_]"), map { qq("$type") }
                  1 .. 2);
    }

    my @kinds = qw(unspecified internal server client producer consumer);

    for (0 .. $#kinds) {
        my $type = $_ == 2 || $_ == 3 ? 'http' : 'custom';

        forms_are('type', "type = 13, kind = $_", qq("$type"), '"SPAN"',
                  '"SPAN"');
        forms_are('kind/spanKind', "kind = $_", qq("$kinds[$_]"),
                  $_ ? qq("$_") : '', '');
    }

    forms_are('kind/spanKind', 'kind = null, type = 0', 'null', '', '');

    my @statuses = ([running => 0], [completed => 1], [failed => 2],
                    [timed_out => 2]);

    for (0 .. $#statuses) {
        my ($word, $number) = @{ $statuses[$_] };

        forms_are('status', "status = $_", qq("$word"),
                  map { qq("$number") } 1 .. 2);
    }

    forms_are('status', 'status = 1, otlp_status = 0', '"completed"', '"0"',
              '"0"');
};


subtest 'numbers' => sub {
    for (['0', '0', '0'], ['0.00', '0.00', '0'], ['1.50', '1.50', '1.5'],
         ['0.000000000000000001', '0.000000000000000001',
          '0.000000000000000001'],
         ['123456789012.000100', '123456789012.000100',
          '123456789012.0001'], ['null', 'null', ''])
    {
        my ($cost, $whole, $trimmed) = @$_;

        forms_are('cost_usd/cost', "cost_usd = $cost", $whole, $trimmed,
                  $trimmed);
    }

    for (['0', '0', '0'], ['999999', '0', '0.999999'],
         ['1000000', '1', '1'], ['1500000', '1', '1.5'],
         ['2000001', '2', '2.000001'], ['-5', '0', '0'],
         ['null', 'null', '0'])
    {
        my ($ns, $whole, $exact) = @$_;

        forms_are('duration_ms/duration', "duration_ns = $ns", $whole, $exact,
                  $exact);
    }

    forms_are('input_tokens/inputTokens', 'input_tokens = 9223372036854775807',
              ('9223372036854775807') x 3);
    forms_are('input_tokens/inputTokens', 'input_tokens = null', 'null', '',
              '');
};


subtest 'times' => sub {
    my $ms = sub { AgentVista::value("select extract(epoch from"
                       . " '${day}T00:00:00Z'::timestamptz)::bigint * 1000")
                   + $_[0] };

    for (['00', 'null', '00', 0], ['00.5', '0', '00.500', 500],
         ['00.000001', 'null', '00.000001', 0],
         ['00.999999', '999', '00.999999999', 999],
         ['00', '7', '00.000000007', 0])
    {
        my ($seconds, $nanos, $shown, $more) = @$_;

        forms_are('started_at/timestamp', "started_at ="
                  . " '${day}T00:00:${seconds}Z', started_nanos = $nanos",
                  qq("${day}T00:00:${shown}Z"), ($ms->($more)) x 2);
    }

    forms_are('ended_at/-', "ended_at = '${day}T23:59:59.1Z'",
              qq("${day}T23:59:59.100Z"), '', '');
};


subtest 'texts' => sub {
    for (['name', 'name'], ['error_message/statusMessage', 'error_message'],
         ['session_id/sessionId', 'session_id'], ['model', 'model'])
    {
        my ($member, $column) = @$_;
        my @texts = forms($member, "$column = e'\"\\\\\\n\\x01"
                                   . " \\b\\f\\r\\t/x'");

        is($_, '"\\"\\\\\\n\\u0001 \\b\\f\\r\\t/x"', $member) for @texts;
    }

    forms_are('service_name/serviceName', "scope_id = '$account'",
              ('"a \\"service\\""') x 3);
    forms_are('service_name/serviceName', 'scope_id = null', 'null', '', '');
    forms_are('input', q(input = '"said"'), ('"said"') x 3);
    forms_are('input', q(input = '[1, "a"]'), '[1, "a"]', ('"[1, \\"a\\"]"') x 2);
    forms_are('input', q(input = ' null'), ' null', '', '');
    forms_are('input', 'input = null', 'null', '', '');
};


subtest 'details and metadata' => sub {
    forms_are('metadata', q(metadata = '{"a": "x", "b": 1.50, "c": null,
                                         "d": [1, {}]}', kind = null),
              '{"a": "x", "b": 1.50, "c": null, "d": [1, {}]}',
              ('{"a":"x","b":"1.50","d":"[1, {}]"}') x 2);
    forms_are('metadata', 'kind = 1', '{"a": "x", "b": 1.50, "c": null,'
              . ' "d": [1, {}]}', '', '');
    forms_are('metadata', q(details = '{"metadata": {"k": true}}',
                            metadata = null), 'null', ('{"k":"true"}') x 2);
    forms_are('metadata', q(details = '{"metadata": {"k": null}}',
                            metadata = '{}'), '{}', '', '');
    forms_are('-/attributes', q(metadata = '{"a": "\\"\\\\"}'), '',
              '"{\\"a\\": \\"\\\\\\"\\\\\\\\\\"}"', '');
    forms_are('name', q(type = 3, name = 'n', details = '{"tool_name": "t"}'),
              '"n"', ('"t"') x 2);
    forms_are('name', q(details = '{"tool_name": ""}'), ('"n"') x 3);
    forms_are('-/outputObject', q(details = '{"output_object": {"a": "b"}}'),
              '', ('"{\\"a\\": \\"b\\"}"') x 2);
    forms_are('-/reasoningTokens', q(details = '{"reasoning_tokens": 5}'), '',
              '5', '');
    forms_are('-/promptName', q(details = '{"prompt_name": null}'), '', '',
              '');
    forms_are('-/finishReason', q(details = null), '', '', '');
};


subtest 'ids' => sub {
    forms_are('span_id/id', 'type = 0', qq("$id"), ('"0123456789abcdef"') x 2);
    forms_are('parent_span_id/parentId', "parent_span_id = '$trace'",
              qq("$trace"), (qq("$digits")) x 2);
    forms_are('parent_span_id/parentId',
              q(details = '{"parent_text": "p \\"1\\"", "span_text": "s",
                            "trace_text": "t"}'),
              qq("$trace"), ('"p \\"1\\""') x 2);
    forms_are('-/traceId', 'type = 0', '', ('"t"') x 2);
    forms_are('parent_span_id/parentId', 'parent_span_id = null', 'null', '',
              '');
    forms_are('scope_id/-', "scope_id = '$account'", qq("$account"), '', '');
};


is(scalar $server->nginx->logged(qw(alert emerg crit error)), 0,
   'nothing alarming in the log');

done_testing();
