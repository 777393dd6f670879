# Accounts see nothing of each other. Two of them have data of every kind; the
# one asks, by every route of the table and at every place where something can
# be named, for what is the other's, and gets what it gets for what nobody has.
#
# The walk follows the table: a parameter that t/lib/Everything.pm has no value
# for, or a route that is not among %route below, fails here.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Everything;
use PrivateNginx;
use Routes;
use Test::More;
use Time::HiRes qw(time);

my $api = Api->new;
my $theirs = Everything->fill($api);
my $ours = Everything->fill($api->stranger);

my @table = Routes::table();

# What an answer to the owner looks like that names nothing of his, for the
# routes whose answers do not.
my $Sum = qr/"traceCount":[1-9]/;

my %route = (
    'GET /openapi.json' => 'public',
    'GET /v1/openapi.json' => 'public',
    'GET /v1/health/ingestion' => 'public',
    'GET /me/api-keys/ping' => qr/"ok"/,
    'GET /me/usage' => qr/"events_used" : 3\b/,
    'GET /v1/metrics' => $Sum,

    (map { ("GET $_" => 'named') } qw(
        /dashboard/traces /dashboard/traces/{trace_id}
        /dashboard/traces/compare-agents /agents /agents/{agent_id}
        /agents/{agent_id}/stats /agents/{agent_id}/runs
        /agents/{agent_id}/outcomes /dashboard/sessions
        /dashboard/sessions/{session_id} /dashboard/metrics
        /dashboard/metrics/query /dashboard/logs/search
        /dashboard/logs/{log_id}/trace /dashboard/service-map
        /v1/traces /v1/traces/export /v1/traces/{traceId}
        /v1/traces/{traceId}/graph /v1/spans /v1/sessions
        /v1/sessions/{sessionId}/traces /v1/scores /v1/scores/{scoreId}
        /v1/runs/{runId}/traces)),

    'GET /dashboard/traces/stream' => 'stream',

    'PATCH /dashboard/traces/{trace_id}/outcome' => 'write',
    'DELETE /v1/scores/{scoreId}' => 'write',
    (map { ("POST $_" => 'write') } qw(
        /v1/score /v1/scores /traces/batch
        /otlp/v1/traces /otlp/v1/metrics /otlp/v1/logs
        /v1/traces /v1/metrics /v1/logs)),

    (map { ("POST /opentelemetry.proto.collector.$_/Export" => 'grpc') } qw(
        trace.v1.TraceService metrics.v1.MetricsService
        logs.v1.LogsService)),
);


is(join("\n", sort keys %route),
   join("\n", sort map { "$_->{method} $_->{path}" } @table),
   'every route is walked');

sub kind {
    my ($route) = @_;

    return $route{"$route->{method} $route->{path}"} // 'unknown';
}


# A value of the same form that nobody has.
sub nobodys {
    my ($value) = @_;

    return unless defined $value;
    $value =~ s/mark[0-9a-f]{12}/mark000000000000/g;

    # of a cursor the end of the id: both parts may begin with a time
    return substr($value, 0, 36) . substr uuid(), 24
        if $value =~ /^[0-9a-f]{48}\z/;
    $value =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/uuid()/e;
    $value =~ s/^[0-9a-f]{32}\z/uuid() =~ s{-}{}gr/e;
    $value =~ s/^[0-9a-f]{16}\z/substr uuid() =~ s{-}{}gr, 0, 16/e;

    return $value;
}


# What can be told from an answer: not the time, nor what was asked for.
sub told {
    my ($answer, @asked) = @_;

    my $text = $answer->{body};

    $text =~ s/\Q$_\E/ASKED/g for grep { defined } @asked;
    $text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g
        if $answer->{status} == 201;

    return "$answer->{status} $text";
}


# The places of a request where something can be named: each with what has to
# go along.
sub places {
    my ($route) = @_;

    my @params = grep { Everything::selects($_) } @{ $route->{params} };
    my %pair = (metadata_key => 1, metadata_value => 1);

    return map {
        my $param = $_;
        my %along = $pair{$param->{name}}
            ? (metadata_key => 'note',
               metadata_value => $ours->{value}{metadata_value}) : ();

        { param => $param, along => \%along }
    } @params;
}


# --- reading -----------------------------------------------------------------

sub answers {
    my ($whose) = @_;

    my %answer;

    for my $route (grep { $_->{method} eq 'GET'
                          && kind($_) !~ /^(?:public|stream)\z/ } @table)
    {
        my $answer = $whose->request($route);

        $answer{$route->{path}} = "$answer->{status} $answer->{body}";
    }

    return \%answer;
}


my $before = answers($theirs);

for my $route (grep { $_->{method} eq 'GET' } @table) {
    my $kind = kind($route);

    next if $kind =~ /^(?:public|stream)\z/;

    my $name = "GET $route->{path}";
    my $theirs_is = ref $kind ? $kind : qr/$theirs->{mark}/;
    my $ours_is = ref $kind ? $kind : qr/$ours->{mark}/;

    subtest $name => sub {
        my $mine = $ours->request($route);

        is($mine->{status}, 200, 'ours is there');
        like($mine->{body}, $ours_is, 'and is ours');
        unlike($mine->{body}, qr/$theirs->{mark}/, 'and nobody else\'s');

        for my $place (places($route)) {
            my $param = $place->{param};
            my $where = $param->{name};
            my $value = $theirs->value($route, $param);
            my $nothing = nobodys($value);
            my $along = { %{ $place->{along} } };

            my $owner = $theirs->request($route, %$along, $where => $value,
                $where =~ /^metadata_/
                    ? (metadata_value => $theirs->{value}{metadata_value})
                    : ());

            is($owner->{status}, 200, "$where: the owner may");
            like($owner->{body}, $theirs_is, "$where: and finds it");

            my $foreign = $ours->request($route, %$along, $where => $value);
            my $unknown = $ours->request($route, %$along, $where => $nothing);

            is(told($foreign, $value), told($unknown, $nothing),
               "$where: nobody else's is nobody's");
            unlike($foreign->{body} =~ s/\Q$value\E//gr,
                   qr/$theirs->{mark}/, "$where: and shows nothing");
            is($foreign->{status}, 404, "$where: it is not found")
                if $param->{flag}{PATH} && $where ne 'runId';
        }
    };
}


# --- listening ---------------------------------------------------------------

# A stream's socket, once it says that it has begun.
sub stream {
    my ($whose, $route, %given) = @_;

    my $socket = $api->{nginx}->connect or die "connect: $!";
    my ($path) = $whose->parts($route, %given);

    $socket->autoflush(1);
    print $socket "GET /api/v1$path HTTP/1.1\r\nHost: localhost\r\n"
                  . "Authorization: Bearer $whose->{api}{key}\r\n\r\n";

    my $text = heard($socket, 10, qr/: connected/);
    like($text, qr/: connected/, "it begins: $path");

    return $socket;
}


# What comes within so many seconds, or until it is all that is waited for.
sub heard {
    my ($socket, $seconds, $until) = @_;

    my $text = '';
    my $end = time + $seconds;

    while ($text !~ $until && (my $left = $end - time) > 0) {
        vec(my $in = '', fileno $socket, 1) = 1;
        next if select($in, undef, undef, $left) <= 0;
        last if !sysread $socket, $text, 65536, length $text;
    }

    return $text;
}


for my $route (grep { kind($_) eq 'stream' } @table) {
    subtest "GET $route->{path}" => sub {
        my @places = (undef, map { $_->{param}{name} } places($route));
        my %stream;

        for my $name (@places) {
            my @given = defined $name
                ? ($name => $theirs->value($route, { name => $name,
                                                     kind => 'TEXT' })) : ();

            $name //= 'everything';
            $stream{$name} = [map { stream($_, $route, @given) }
                                  $theirs, $ours];
        }

        # both have new traces, of ids of their own
        for my $one ($theirs, $ours) {
            $one->request({ method => 'POST', path => '/traces/batch',
                            params => [] },
                          trace_id => uuid(), span_id => uuid());
            $one->request({ method => 'POST', path => '/v1/traces',
                            params => [] }, hex => uuid() =~ s/-//gr);
        }

        my $all = heard($stream{everything}[1], 10, qr/$ours->{mark}/);

        like($all, qr/$ours->{mark}/, 'we hear of ours');
        unlike($all, qr/$theirs->{mark}/, 'and of nobody else\'s');

        for my $name (sort keys %stream) {
            like(heard($stream{$name}[0], 10, qr/$theirs->{mark}/),
                 qr/$theirs->{mark}/, "$name: they hear of theirs");
        }

        for my $name (grep { $_ ne 'everything' } sort keys %stream) {
            unlike(heard($stream{$name}[1], 0.2, qr/^event/m), qr/^event/m,
                   "$name: we do not");
        }
    };
}

# that was theirs to write
$before = answers($theirs);


# --- writing -----------------------------------------------------------------

my %given = (
    '/traces/batch' => [trace_id => 'trace_id', span_id => 'span_id'],
    '/otlp/v1/traces' => [hex => 'traceId', span => \'span'],
    '/v1/traces' => [hex => 'traceId', span => \'span'],
    '/otlp/v1/logs' => [hex => 'traceId', span => \'span'],
    '/v1/logs' => [hex => 'traceId', span => \'span'],
    '/otlp/v1/metrics' => [],
    '/v1/metrics' => [],
);


# What a write of ours names of theirs, by the parameters of Everything.
sub named {
    my ($route) = @_;

    if (my $pairs = $given{$route->{path}}) {
        my %pairs = @$pairs;

        return map { $_ => ref $pairs{$_} ? $theirs->{${ $pairs{$_} }}
                                          : $theirs->{value}{$pairs{$_}} }
                   keys %pairs;
    }

    return map { $_->{name} => $theirs->value($route, $_) }
           grep { $_->{flag}{PATH} || $_->{name} eq 'resourceId' }
           @{ $route->{params} };
}


# First those that name something by their path, while we have none of it.
for my $route (sort { $b->{path} =~ /\{/ <=> $a->{path} =~ /\{/ }
               grep { kind($_) eq 'write' } @table)
{
    subtest "$route->{method} $route->{path}" => sub {
        my %theirs = named($route);
        my %nobodys = map { $_ => nobodys($theirs{$_}) } keys %theirs;
        my $foreign = $ours->request($route, %theirs);
        my $unknown = $ours->request($route, %nobodys);

        is(told($foreign, values %theirs), told($unknown, values %nobodys),
           "nobody else's is nobody's");
        unlike($foreign->{body}, qr/$theirs->{mark}/, 'and shows nothing');
        is($foreign->{status}, 404, 'it is not found')
            if $route->{path} =~ /\{/;
    };
}


# gRPC by curl, which perl speaks no HTTP/2 for: spans and a log record of
# theirs, and a metric by the name of theirs.
subtest 'gRPC' => sub {
    my $port = PrivateNginx::free_port();
    my $nginx = PrivateNginx->new(
        database => $api->{pg}->conninfo, workers => 1,
        http => "server { listen 127.0.0.1:$port http2;"
                . ' location / { agentvista; } }');

    ok($nginx->ready, 'ready');

    my $nano = $theirs->{now} . '000000000';
    my $resource = field(1, field(1, field(1, 'service.name')
                   . field(2, field(1, $theirs->{value}{service_name}))));

    my %message = (
        trace => sub { field(1, $_[0]) . field(2, $_[1]) . field(5, 'ours')
                       . fixed(7, $nano) . fixed(8, $nano) },
        metrics => sub { field(1, $_[2])
                         . field(5, field(1, fixed(3, $nano) . fixed(6, 7))) },
        logs => sub { fixed(1, $nano) . field(5, field(1, 'ours'))
                      . field(9, $_[0]) . field(10, $_[1]) },
    );

    for my $route (grep { kind($_) eq 'grpc' } @table) {
        my ($signal) = $route->{path} =~ /collector\.(\w+)\./;
        my @answers;

        for my $named ([$theirs->{hex}, $theirs->{span},
                        $theirs->{value}{metric}],
                       [nobodys($theirs->{hex}), nobodys($theirs->{span}),
                        nobodys($theirs->{value}{metric})])
        {
            my ($trace, $span, $metric) = @$named;
            my $one = $message{$signal}->(pack('H*', $trace),
                                          pack('H*', $span), $metric);

            push @answers, call($port, $route->{path},
                field(1, $resource . field(2, field(2, $one))));
        }

        like($answers[0], qr/grpc-status: 0\b/i, "$signal: is taken");
        is($answers[0], $answers[1], "$signal: as nobody's");
    }
};


# The headers, the trailers and the body, but for the time.
sub call {
    my ($port, $path, $message) = @_;

    my $file = "$ENV{AGENTVISTA_TEST_DIR}/grpc-$$";

    open my $out, '>:raw', $file or die "$file: $!";
    print $out pack('CN', 0, length $message), $message;
    close $out;

    my $answer = `curl -sS --http2-prior-knowledge -D - --max-time 10 \\
        -H 'content-type: application/grpc' -H 'te: trailers' \\
        -H 'authorization: Bearer $ours->{api}{key}' \\
        --data-binary \@$file http://127.0.0.1:$port$path`;
    unlink $file;

    return $answer =~ s/^date:.*\n//mir;
}


sub field {
    my ($number, $bytes) = @_;

    my ($length, $n) = ('', length $bytes);

    while ($n >= 128) {
        $length .= chr($n & 127 | 128);
        $n >>= 7;
    }

    return chr($number << 3 | 2) . $length . chr($n) . $bytes;
}

sub fixed { return pack 'CQ<', $_[0] << 3 | 1, $_[1] }


subtest 'what was written has changed nothing of theirs' => sub {
    my $after = answers($theirs);

    is($after->{$_}, $before->{$_}, "GET $_") for sort keys %$before;
};


subtest 'and what we have under their ids is ours' => sub {
    my ($trace) = grep { $_->{path} eq '/dashboard/traces/{trace_id}' } @table;
    my $answer = $ours->request($trace,
                                trace_id => $theirs->{value}{trace_id});

    is($answer->{status}, 200, 'it is there');
    like($answer->{body}, qr/$ours->{mark}/, 'with our data');
    unlike($answer->{body}, qr/$theirs->{mark}/, 'and no other');
};


# --- who asks ----------------------------------------------------------------

subtest 'every route asks for a key, for its scope and for its app' => sub {
    my $account = $ours->{api}{account};
    my %key = (read => 'av_' . '1' x 64, write => 'av_' . '2' x 64);

    $api->sql("insert into agentvista.api_keys"
              . " (account_id, key_hash, prefix, scopes) values"
              . " ('$account', sha256('$key{$_}'),"
              . " '@{[substr $key{$_}, 0, 11]}', '{$_}')")
        for keys %key;

    for my $route (@table) {
        my $name = "$route->{method} $route->{path}";
        my $ask = sub { $ours->request($route, header => { @_ })->{status} };

        next if kind($route) eq 'grpc';

        if ($route->{scope} eq 'NONE') {
            is($ask->(Authorization => 'none'), 200, "$name: anybody");
            next;
        }

        my $other = $route->{scope} eq 'READ' ? 'write' : 'read';
        my $app = $route->{path} =~ m{^/v1/};

        is($ask->(Authorization => 'Bearer av_' . '0' x 64), 401,
           "$name: a key");
        is($ask->(Authorization => "Bearer $key{$other}",
                  'X-Agentmark-App-Id' => $account), 403,
           "$name: the scope");

        next if !$app;

        my @told = map {
            told($ours->request($route, header => {
                     'X-Agentmark-App-Id' => $_ }))
        } $theirs->{api}{account}, uuid();

        like($told[0], qr/^403 /, "$name: the app");
        is($told[0], $told[1], "$name: theirs is as nobody's");
    }
};


done_testing;
