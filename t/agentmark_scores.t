# AgentMark's scores: agentmark.md 4.2, and its SDK creating one.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista qw(uuid);
use JSON::PP;
use PrivateNginx;
use Test::More;

PrivateNginx::guard(300);

my $server = AgentMark->new;
my $app = $server->app;
my $other = $server->app;
my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;


sub score {
    my ($path, %body) = @_;

    return $app->request('POST', $path, \%body);
}


sub listed {
    my ($app, $id) = @_;

    return [map { "$_->{name} $_->{score}" }
            @{ $app->get("/v1/scores?resourceId=$id")->{json}{scores} }];
}


subtest 'create, list, get, delete' => sub {
    my $span = hex_id(16);
    my $answer = score('/v1/score', resourceId => $span, score => 0.75,
                       label => 'good', reason => "because\n\"so\"",
                       name => 'accuracy', type => 'eval');

    is($answer->{status}, 201, 'created');
    is($answer->{json}{message}, 'Score created successfully', 'message');
    like($answer->{json}{id}, $uuid, 'id');

    my $id = $answer->{json}{id};

    is(score('/v1/scores', resourceId => $span, score => -2, name => 'later')
       ->{status}, 201, 'in the plural, and without what is optional');

    $answer = $app->get("/v1/scores?resourceId=$span");

    is($answer->{status}, 200, 'list');
    is(join('|', map { $_->{name} } @{ $answer->{json}{scores} }),
       'later|accuracy', 'newest first');

    my $listed = $answer->{json}{scores}[1];

    like(delete $listed->{createdAt},
         qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'createdAt');
    is(canonical($listed), canonical({ id => $id, name => 'accuracy',
       score => 0.75, label => 'good', reason => "because\n\"so\"",
       type => 'eval', resourceId => $span }), 'one of the list');
    is(canonical([map { $answer->{json}{scores}[0]{$_} }
                  qw(score label reason type)]), '[-2,"","",""]', 'defaults');

    $answer = $app->get("/v1/scores/$id");

    is($answer->{status}, 200, 'get');
    like(delete $answer->{json}{created_at}, qr/^\d{4}-.*Z$/, 'created_at');
    is(canonical($answer->{json}), canonical({ id => $id,
       resource_id => $span, name => 'accuracy', score => 0.75,
       label => 'good', reason => "because\n\"so\"", source => 'eval',
       user_id => undef }), 'all of it');

    is($other->get("/v1/scores/$id")->{status}, 404, 'not for others');
    is($other->request('DELETE', "/v1/scores/$id")->{status}, 404,
       'nor theirs to delete');
    is(canonical(listed($other, $span)), '[]', 'nor in their list');

    $answer = $app->request('DELETE', "/v1/scores/$id");

    is($answer->{status}, 204, 'delete');
    is($answer->{body}, '', 'without a body');
    is($app->get("/v1/scores/$id")->{status}, 404, 'it is gone');
    is($app->get("/v1/scores/$id")->{body}, '{"error":"Score not found"}',
       'says so');
    is($app->request('DELETE', "/v1/scores/$id")->{status}, 404,
       'and cannot be deleted again');
    is(canonical(listed($app, $span)), '["later -2"]', 'the other one stays');
};


subtest 'one resource in all its spellings' => sub {
    my $trace = hex_id(32);
    my $native = uuid();
    my $text = "trace/1 \x{dc}";

    score('/v1/score', resourceId => uc $trace, score => 1, name => 'a');
    score('/v1/score', resource_id => $trace, score => 2, name => 'b',
          source => 'annotation');
    score('/v1/score', resourceId => $native, score => 3, name => 'c');
    score('/v1/score', resourceId => $text, score => 4, name => 'd');

    is(canonical(listed($app, $trace)), '["b 2","a 1"]', 'digits');
    is($app->get("/v1/scores?resourceId=$trace")->{json}{scores}[0]{type},
       'annotation', 'the later names');
    is($app->get("/v1/scores?resourceId=$trace")
       ->{json}{scores}[1]{resourceId}, uc $trace, 'returned as sent');
    is(canonical(listed($app, $native =~ s/-//gr)), '["c 3"]',
       'a UUID, with hyphens or without');
    is(canonical(listed($app, 'trace/1+%C3%9C')), '["d 4"]', 'free text');
    is(canonical($app->get("/v1/scores?resourceId=$trace&limit=1&offset=1")
                 ->{json}{scores}[0]{name}), '"a"', 'pages');
};


subtest 'exact numbers' => sub {
    my $id = hex_id(16);
    my @scores = ('0.1', '1e-7', '-0', '123456789.123456789', '1E3', '0.50');

    $app->request('POST', '/v1/score',
                  qq({"resourceId":"$id","name":"n","score":$_}),
                  'Content-Type: application/json') for @scores;

    like($app->get("/v1/scores?resourceId=$id")->{body},
         qr/"score" : 0\.5,.*"score" : 1000,.*"score" : 123456789\.123456789,.*"score" : 0,.*"score" : 0\.0000001,.*"score" : 0\.1,/,
         'without exponents');
};


subtest 'bodies that are wrong' => sub {
    my %good = (resourceId => 'r', name => 'n', score => 1);

    for ([{ %good, score => 'high' }, 'score'], [{ %good, score => undef },
                                                 'score'],
         [{ %good, score => JSON::PP::true }, 'score'],
         [{ name => 'n', score => 1 }, 'resourceId'],
         [{ resourceId => 'r', score => 1 }, 'name'],
         [{ resourceId => 'r', name => 'n' }, 'score'],
         [{ %good, resourceId => '' }, 'resourceId'],
         [{ %good, name => '' }, 'name'],
         [{ %good, resourceId => 7 }, 'resourceId'],
         [{ %good, resourceId => 'x' x 2000 }, 'resourceId'],
         [{ %good, label => [] }, 'label'],
         [{ %good, reason => {} }, 'reason'], [{ %good, type => 1 }, 'type'],
         [{}, 'resourceId name score'], [[1], 'body'])
    {
        my ($body, $fields) = @$_;
        my $answer = $app->request('POST', '/v1/score', $body);

        is($answer->{status}, 400, canonical($body) =~ s/x{9,}/x.../r);
        is(fields($answer), $fields, 'names what is wrong');
    }

    for ('', '{', 'null', '"a"', '{"score":1e999}', "\xff", '[' x 5000) {
        my $answer = $app->request('POST', '/v1/score', $_,
                                   'Content-Type: application/json');

        is($answer->{status}, 400, 'body ' . substr($_, 0, 20)
                                   =~ s/[^ -~]/?/gr);
        is($answer->{json}{error}, 'Validation failed', 'in the usual form');
    }

    is($app->request('POST', '/v1/score',
                     '{"resourceId":"r","name":"a\u0000b\ud800","score":1}',
                     'Content-Type: application/json')->{status}, 201,
       'odd text is repaired');
    is($app->request('POST', '/v1/score', ' ' x 300_000,
                     'Content-Type: application/json')->{status}, 413,
       'too large a body');
    is($app->get('/v1/scores')->{status}, 400, 'a list of nothing');
    is(fields($app->get('/v1/scores?resourceId=')), 'resourceId', 'nor this');
    is($app->get('/v1/scores/x')->{status}, 404, 'an id that is none');
    is($app->get('/v1/scores/' . uuid())->{status}, 404, 'or nobody\'s');
};


subtest 'who may' => sub {
    my %body = (resourceId => 'r', name => 'n', score => 1);
    my $account = $app->{account};
    my $read = $server->app(account => $account,
        key => AgentVista::key($account, scopes => 'read'));
    my $nobody = $server->app(header => []);
    my $appless = $server->app(header => ["Authorization: $app->{key}"]);

    is($read->request('POST', '/v1/score', \%body)->{status}, 403,
       'a key that only reads');
    is($read->request('DELETE', '/v1/scores/' . uuid())->{status}, 403,
       'does not delete, either');
    is($nobody->request('POST', '/v1/score', \%body)->{status}, 401,
       'no key');
    is($appless->request('POST', '/v1/score', \%body)->{status}, 401,
       'no application');
};


subtest 'the SDK creates a score' => sub {
    my $npm = 'mkdir -p .build/sdk'
              . ' && cp t/sdk/*.js t/sdk/*.json t/sdk/.npmrc .build/sdk'
              . ' && cd .build/sdk'
              . ' && { cmp -s package-lock.json installed'
              . ' || { npm ci --ignore-scripts --no-audit --no-fund --silent'
              . ' && cp package-lock.json installed; }; }';

    is(system($npm), 0, 'it is installed') or return;

    my $url = "http://127.0.0.1:$server->{nginx}{port}";
    my $trace = hex_id(32);
    my $run = sub {
        my ($key, %score) = @_;

        open my $out, '-|', 'node', '.build/sdk/score.js', $url, $key,
            $app->{account}, canonical(\%score) or die "node: $!";
        local $/;
        return <$out>;
    };

    is($run->($app->{key}, resourceId => $trace, score => 0.9, label => 'ok',
              reason => 'all right', name => 'quality', type => 'eval'),
       "{\"result\":null}\n", 'score()');
    is(canonical(listed($app, $trace)), '["quality 0.9"]', 'is stored');
    like($run->('am_live_wrong', resourceId => $trace, score => 1,
                label => '', reason => '', name => 'n'),
         qr/^\{"error":"Invalid or missing API key\.?"\}$/,
         'with a wrong key it throws our text');
};


is(scalar $server->nginx->logged(qw(alert emerg crit)), 0,
   'nothing alarming in the log');

done_testing();
