# Programs that call models, observed by the instrumentation that agents use:
# OpenInference's, Traceloop's (its current and its indexed attributes),
# OpenTelemetry's own, the Vercel AI SDK's and that of Anthropic's library. The
# model is a server of ours; the calls, the attributes and the exporters are
# real. What arrives has type, model, provider, tokens, cost, input, output,
# session and user.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use Clients;
use JSON::PP;
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;

PrivateNginx::guard(600);

my $Json = JSON::PP->new->utf8->canonical;
my $pg = PrivatePostgres->new;
my $nginx = Clients::server($pg);


# What the model server says and counts (t/clients/model.js), and what that
# costs by conf/prices.json.

my $answer = 'It is sunny in Paris.';

my %ours = (session_id => 'session-1', user_id => 'user-1');
my %openai = (type => 'llm', status => 'completed', provider => 'openai',
              model => 'gpt-4o-mini-2024-07-18');
my %said = (input_tokens => 25, output_tokens => 7, total_tokens => 32,
            cost_usd => 0.00000795);
my %called = (input_tokens => 82, output_tokens => 17, total_tokens => 99,
              cost_usd => 0.0000225);
my %silent = (map { $_ => undef } keys %said);
my %embedded = (type => 'llm', provider => 'openai',
                model => 'text-embedding-3-small');
my %claude = (%openai, provider => 'anthropic',
              model => 'claude-opus-4-5-20251101');

my @asked = (['system', 'Be brief.'],
             ['user', "How is the weather in Paris? \x{2614}"]);
my @answered = (['assistant', $answer]);
my @calling = (['assistant', undef, 'get_weather', '{"city":"Paris"}']);
my @resumed = (@asked, @calling, ['tool', '{"sky":"clear"}']);


# The calls of openai.js: plain, with a tool, with the tool's result, streamed.
# stream: what is different in the last; resumed: the input of the third.
sub openai_calls {
    my ($name, %option) = @_;

    my %stream = %{ $option{stream} // {} };

    return (
        [$name, { %openai, %ours, %said }, \@asked, \@answered],
        [$name, { %openai, %ours, %called }, \@asked, \@calling],
        [$name, { %openai, %ours, %said }, $option{resumed} // \@resumed,
         \@answered],
        [$name, { %openai, %ours, %said, %stream }, \@asked, \@answered],
    );
}


# Anthropic's library makes a span of its own inside.
sub anthropic_calls {
    my ($name, @system) = @_;

    my @question = (@system, ['user', 'How is the weather in Paris?']);

    return map {
        my ($tokens, $output) = @$_;
        [$name, { %claude, %$tokens }, \@question, $output],
        ['anthropic.messages.create', { %claude, %$tokens }]
    } [{ %said, cost_usd => 0.0003 }, \@answered],
      [{ %called, cost_usd => 0.000835 }, \@calling],
      [{ %said, cost_usd => 0.0003 }, \@answered];
}


my %chain = (type => 'custom', status => 'completed', %ours);


# What libraries leave out: tokens of streams, the model that answered, calls of
# tools in the input.
# Program, FAMILY, protocol; the spans in the order of their beginning, each
# with its name, what is to be seen of it, its input and its output.
my @programs = (

    ['openai', 'openinference', 'http/json',
     ['weather', { type => 'custom' }],
     openai_calls('OpenAI Chat Completions',
                  stream => { %silent, model => 'gpt-4o-mini' }),
     ['OpenAI Embeddings', { %embedded, %ours }, 'weather']],

    ['openai', 'traceloop', 'http/protobuf',
     ['weather', { type => 'custom', %ours }],
     openai_calls('chat gpt-4o-mini', stream => \%silent)],

    ['openai', 'traceloop-old', 'http/protobuf',
     ['weather', { type => 'custom', %ours }],
     openai_calls('openai.chat', stream => \%silent,
                  resumed => [@asked, ['assistant', 'null'], $resumed[-1]])],

    ['openai', 'genai', 'grpc',
     ['weather', { type => 'custom', %ours }],
     openai_calls('chat gpt-4o-mini'),
     ['embeddings text-embedding-3-small',
      { %embedded, %ours, input_tokens => 5, cost_usd => 0.0000001 }],
     ['chat gpt-4o-mini',
      { %openai, %silent, %ours, status => 'failed',
        model => 'gpt-4o-mini' },
      [['user', 'Please fail']]]],

    ['anthropic', 'openinference', 'http/json',
     anthropic_calls('Anthropic Messages')],

    ['anthropic', 'traceloop', 'grpc',
     anthropic_calls('chat claude-opus-4-5', ['system', 'Be brief.'])],

    ['langchain', '', 'http/protobuf',
     ['guide', \%chain, 'How is the weather in Paris?',
      "$answer Paris: sunny"],
     ['RunnableLambda', \%chain, 'How is the weather in Paris?'],
     ['Shelf', { %chain, type => 'db' }, 'How is the weather in Paris?',
      [{ content => 'Paris is in France.', metadata => { page => 7 } }]],
     ['ChatPromptTemplate', \%chain],
     # It does not tell the provider.
     ['ChatOpenAI', { %openai, %ours, %said, model => 'gpt-4o-mini',
                      provider => undef },
      [['system', 'Known: Paris is in France.'],
       ['user', 'How is the weather in Paris?']], \@answered],
     ['RunnableLambda', \%chain, undef, "$answer Paris: sunny"],
     ['get_weather', { %chain, type => 'tool' }, { city => 'Paris' },
      'Paris: sunny']],

    ['vercel', '', 'http/json',
     vercel_calls()],
);


sub vercel_calls {
    my %named = (provider => 'openai');
    my @question = (['user', 'How is the weather in Paris?']);
    my @first = (['system', 'Be brief.'], @question);

    return (
        ['ai.generateText', { %chain, %named }, \@first, $answer],
        ['ai.generateText.doGenerate', { %openai, %ours, %called }, \@first,
         \@calling],
        ['ai.toolCall', { %chain, type => 'tool' }, { city => 'Paris' },
         { sky => 'clear over Paris' }],
        ['ai.generateText.doGenerate', { %openai, %ours, %said }, undef,
         $answer],
        ['ai.streamText', { %chain, %named }, \@question, $answer],
        ['ai.streamText.doStream', { %openai, %ours, %said }, \@question,
         $answer],
        ['ai.embed', { %embedded, %ours, %silent }, 'weather'],
        ['ai.embed.doEmbed',
         { %embedded, %ours, input_tokens => 5, output_tokens => undef,
           cost_usd => 0.0000001 }, ['weather']],
        ['ai.generateText', { %chain, %named, status => 'failed' },
         [['user', 'Please fail']]],
        ['ai.generateText.doGenerate',
         { %openai, %ours, %silent, status => 'failed',
           model => 'gpt-4o-mini' },
         [['user', 'Please fail']]],
    );
}


# All spans of an account as the API shows them, in the order of their start,
# parents before their children.
sub shown {
    my ($account, $key) = @_;

    my @traces = split /\n/, $pg->sql(<<END);
        select trace_id from agentvista.traces where account_id = '$account'
END

    my @spans = map {
        my $answer = $nginx->get("/api/v1/dashboard/traces/$_", $key);
        @{ $Json->decode($answer->{body})->{spans} };
    } @traces;

    my %by_id = map { $_->{span_id} => $_ } @spans;

    for my $span (@spans) {
        my ($seconds, $digits) = $span->{started_at} =~ /^([^.]*)\.?(\d*)Z$/;
        my $depth = 0;

        for (my $s = $span; $s = $by_id{ $s->{parent_span_id} // '' }; ) {
            $depth++;
        }

        $span->{order} = "$seconds." . substr("${digits}000000000", 0, 9)
                         . " $depth";
    }

    return sort { $a->{order} cmp $b->{order} } @spans;
}


# Text that is JSON as what it says.
sub parsed {
    my ($value) = @_;

    return $value if ref $value || !defined $value || $value !~ /^[\[{]/;

    my $text = $value;
    utf8::encode($text);

    return eval { $Json->decode($text) } // $value;
}


# Messages as [role, text] or [role, undef, tool, arguments], in whichever of
# the forms that the libraries give them.
sub messages {
    my ($value) = @_;

    return $value if ref $value ne 'ARRAY'
                     || grep { ref ne 'HASH' || !$_->{role} } @$value;

    return [map { message($_) } @$value];
}


sub message {
    my ($message) = @_;

    my $content = parsed($message->{content});
    my @parts = ref $content eq 'ARRAY' ? @$content : ();
    my ($call) = (@{ $message->{tool_calls} // [] },
                  grep { ($_->{type} // '') eq 'tool_call' } @parts);
    my ($result) = grep { ($_->{type} // '') eq 'tool_call_response' } @parts;

    if ($call) {
        my $function = $call->{function} // $call;
        my $arguments = parsed($function->{arguments});

        return [$message->{role}, undef, $function->{name},
                $Json->encode($arguments)];
    }

    $content = $result->{response} // $result->{result} if $result;
    $content = parsed($content) if $result;
    $content = $Json->encode($content) if ref $content;

    return [$message->{role}, $content];
}


sub check_span {
    my ($name, $span, $expected) = @_;

    my (undef, $fields, $input, $output) = @$expected;

    $span->{provider} = $span->{details}{provider};

    for my $field (sort keys %$fields) {
        my $value = $fields->{$field};

        if (ref $value) {
            like($span->{$field}, $value, "$name: $field");
        } else {
            is($span->{$field}, $value, "$name: $field");
        }
    }

    is_deeply(messages(parsed($span->{input})), $input, "$name: input")
        if defined $input;
    is_deeply(messages(parsed($span->{output})), $output, "$name: output")
        if defined $output;
}


my %account;

for my $program (@programs) {
    my ($file, $family, $protocol, @expected) = @$program;
    my $name = $family ? "$file, $family" : $file;

    subtest $name => sub {
        my ($account, $key) = Audit::account($pg);
        $account{$name} = [$account, $key];

        my $sent = Clients::run($nginx, $file, key => $key,
                                protocol => $protocol, compression => 'gzip',
                                env => { FAMILY => $family });

        is_deeply([grep { $_->{code} } @{ $sent->{exports} }], [],
                  "$protocol: all exports succeed");

        my @spans = shown($account, $key);

        is_deeply([map { $_->{name} } @spans], [map { $_->[0] } @expected],
                  'the spans');

        for my $i (0 .. $#expected) {
            check_span("$i, $spans[$i]{name}", $spans[$i], $expected[$i])
                if $spans[$i];
        }
    };
}


subtest 'what else the libraries tell' => sub {
    my %details = map {
        my $account = $account{$_}[0];
        ($_ => Clients::json($pg, <<END))
            select details from agentvista.spans
            where account_id = '$account' and type = 2
            order by started_at limit 1
END
    } grep { /^openai/ } keys %account;
    my ($openinference, $traceloop, $old)
        = @details{ map { "openai, $_" } 'openinference', 'traceloop',
                                         'traceloop-old' };

    is_deeply($openinference->{metadata}, { plan => 'pro' }, 'metadata');
    is_deeply($openinference->{tags}, ['one', 'two'], 'tags');
    is_deeply($traceloop->{metadata}, { plan => 'pro' },
              'association properties are metadata');
    is($traceloop->{settings}{temperature}, 0.5, 'settings');
    is($traceloop->{finish_reason}, 'stop', 'the finish reason');
    is($old->{finish_reason}, 'stop', 'also of indexed messages');

    is($pg->sql("select span_tokens || ' ' || trim_scale(span_cost_usd)"
                . " from agentvista.traces"
                . " where account_id = '$account{'openai, traceloop'}[0]'"),
       '163 0.0000384', 'a trace has the sum of its calls');

    my ($account, $key) = @{ $account{'openai, genai'} };

    is($pg->sql("select count(*) from agentvista.logs"
                . " where account_id = '$account' and span_id is not null"),
       15, 'contents of messages are logs');
    is_deeply([split /\n/, $pg->sql("select name from agentvista.metrics"
                                    . " where account_id = '$account'"
                                    . " order by name")],
              ['gen_ai.client.operation.duration',
               'gen_ai.client.token.usage'],
              'and there are metrics');
};


subtest 'calls of tools by the Vercel AI SDK' => sub {
    my @spans = shown(@{ $account{vercel} });
    my ($call) = grep { $_->{name} =~ /doGenerate/ } @spans;

    is_deeply($call->{details}{tool_calls},
              [{ type => 'tool-call', toolCallId => 'call_1',
                 toolName => 'get_weather', args => { city => 'Paris' } }],
              'are details of the model\'s span');
};


is(join('', $nginx->logged(qw(alert emerg crit))), '',
   'nothing serious in the error log');

done_testing;
