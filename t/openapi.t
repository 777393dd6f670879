# The document of the API (src/api/openapi.json): that it is served, that it is
# a valid one, that it says what the route table says, and that answers are as
# it says. The answers of the other suites are looked at while those run, by
# t/lib/OpenAPI.pm; here is what that is worth.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Cwd qw(getcwd);
use Everything;
use IO::Uncompress::Gunzip qw(gunzip);
use IPC::Open2;
use JSON::PP;
use OpenAPI;
use Routes;
use Test::More;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $document = OpenAPI::document();
my @table = Routes::table();

my $api = Api->new(http => <<'END');
    gzip on;
    gzip_types application/json;
    gzip_min_length 1;
END

my $own = Everything->fill($api);


# An answer's body without the key's help.
sub ask {
    my ($path, %header) = @_;

    return $api->send(delete $header{method} // 'GET', $path, undef,
                      Authorization => 'none', %header);
}


subtest 'it is served to everybody' => sub {
    my $answer = ask('/openapi.json');
    my $etag = $answer->{header}{etag};

    is($answer->{status}, 200, 'without a key');
    is($answer->{header}{'content-type'}, 'application/json', 'as JSON');
    is($answer->{header}{'content-length'}, length $answer->{body}, 'length');
    is($answer->{header}{'cache-control'}, 'no-cache', 'to be kept and asked');
    like($etag, qr/^"[0-9a-f]{32}"\z/, 'with a tag');
    is_deeply($answer->{json}, $document, 'as in the repository');
    is($answer->{json}{servers}[0]{url}, '.', 'relative to itself');

    my $mark = ask('/v1/openapi.json/');

    is($mark->{json}{servers}[0]{url}, '..', 'from /v1 on, one above');
    is($mark->{header}{'content-length'}, length $mark->{body}, 'length');
    delete $_->{servers} for my ($one, $two) = ({ %$document }, $mark->{json});
    is_deeply($two, $one, 'else the same');

    my $head = ask('/openapi.json', method => 'HEAD');

    is("$head->{status} $head->{header}{'content-length'} $head->{body}",
       '200 ' . length($answer->{body}) . ' ', 'HEAD');

    for my $tag ($etag, "\"x\", W/$etag", '*') {
        my $same = ask('/openapi.json', 'If-None-Match' => $tag);

        is("$same->{status} $same->{body}", '304 ', "If-None-Match: $tag");
        is($same->{header}{etag}, $etag, 'with its tag');
    }

    is(ask('/openapi.json', 'If-None-Match' => '"x"')->{status}, 200,
       'another tag');
    is(ask('/openapi.json', 'If-Match' => '"x"')->{body},
       '{"detail":"Precondition failed."}', 'If-Match');
    is(ask('/openapi.json', method => 'POST')->{status}, 405, 'POST');

    my $packed = ask('/openapi.json', 'Accept-Encoding' => 'gzip');
    my $body = OpenAPI::joined($packed->{body});

    is($packed->{header}{'content-encoding'}, 'gzip', 'gzip');
    is($packed->{header}{etag}, "W/$etag", 'with a weak tag');
    gunzip(\$body, \my $text);
    ok($text eq $answer->{body}, 'the same');
};


# --- the table ---------------------------------------------------------------

my %kind = (
    TEXT => { type => 'string' },
    UUID => { type => 'string', format => 'uuid' },
    TIME => { type => 'string', format => 'date-time' },
    INTEGER => { type => 'integer' },
    NUMBER => { type => 'number' },
    BOOLEAN => { type => 'boolean' },
    WORD => { type => 'string' },
    OBJECT => { type => 'object',
                additionalProperties => { type => ['string', 'number',
                                                   'boolean'] } },
    CURSOR => { type => 'string', pattern => '^[0-9a-fA-F]{48}$' },
    FROM => OpenAPI::resolve({ '$ref' => '#/components/schemas/DateOrTime' }),
    AFTER => { type => 'string' },
);

$kind{UNTIL} = $kind{FROM};


# The schema that a row of the table asks for.
sub wanted {
    my ($param) = @_;

    my $flag = $param->{flag};
    my %schema = %{ $kind{$param->{kind}} // die "unknown: $param->{kind}\n" };

    $schema{enum} = $param->{words} if $param->{words};
    $schema{type} = [$schema{type}, 'null']
        if $flag->{BODY} && !$flag->{REQUIRED} && !$flag->{ALIAS}
           || $flag->{TELL};

    if (defined $param->{default}) {
        $schema{default} = $param->{kind} eq 'INTEGER' ? 0 + $param->{default}
                                                       : $param->{default};
    }

    if ($param->{kind} eq 'INTEGER' && !$flag->{LENIENT}) {
        $schema{minimum} = 0 + $param->{min};
        $schema{$_->[0]} = $_->[1]
            for defined $param->{max} ? ['maximum', 0 + $param->{max}]
                                      : ['format', 'int64'];

    } elsif ($param->{kind} eq 'TEXT' && $param->{max}) {
        $schema{minLength} = 0 + $param->{min};
        $schema{maxLength} = 0 + $param->{max};
    }

    return \%schema;
}


# One of the document's, as the table's would be.
sub plain {
    my ($schema, $param) = @_;

    my %plain = %{ OpenAPI::resolve($schema) };

    delete $plain{description} if $param->{kind} !~ /FROM|UNTIL/;
    delete $plain{enum} if $param->{flag}{LENIENT};
    $plain{type} = $plain{type}[0]
        if $param->{flag}{ALIAS} && ref $plain{type};

    return \%plain;
}


# name => [where, needed, schema]
sub documented {
    my ($operation) = @_;

    my %found;

    # headers are in no table
    for (grep { $_->{in} ne 'header' }
         map { OpenAPI::resolve($_) } @{ $operation->{parameters} // [] })
    {
        $found{"$_->{in} $_->{name}"} =
            [!!$_->{required}, $_->{schema}
                               // $_->{content}{'application/json'}{schema}];
    }

    my $body = OpenAPI::resolve(
        $operation->{requestBody}{content}{'application/json'}{schema});
    my %needed = map { $_ => 1 }
                 map { @{ $_->{required} // [] } } $body,
                                                  @{ $body->{anyOf} // [] };

    $found{"body $_"} = [!!$needed{$_}, $body->{properties}{$_}]
        for keys %{ $body->{properties} // {} };

    return \%found;
}


subtest 'it has the routes of the table, and no others' => sub {
    my %routes = map { ("$_->{method} $_->{path}" => 1) } @table;
    my %operations;

    for my $path (keys %{ $document->{paths} }) {
        $operations{uc($_) . " $path"} = 1
            for grep { $_ ne 'servers' } keys %{ $document->{paths}{$path} };
    }

    # these are at locations of the operator's choice
    my $text = Routes::slurp('ngx_agentvista_module.c');
    $routes{"GET /$1"} = 1
        while $text =~ /string\("(\w+)"\), ngx_av_status_\w+ \}/g;

    is(join("\n", sort keys %operations), join("\n", sort keys %routes),
       'methods and paths');

    my %ids;
    $ids{$_}++ for map { $_->{operationId} } map { operation($_) } @table;
    is(join(' ', grep { $ids{$_} != 1 } keys %ids), '', 'ids of operations');
};


sub operation {
    my ($route) = @_;

    return $document->{paths}{$route->{path}}{lc $route->{method}};
}


for my $route (@table) {
    subtest "$route->{method} $route->{path} is as in the table" => sub {
        my $operation = operation($route);
        my $found = documented($operation);

        my %scopes = map { join(' ', $_->{bearer} ? @{ $_->{bearer} }
                                                  : @{ $_->{key} // [] }) => 1 }
                         @{ $operation->{security} };
        is(join(',', keys %scopes), $route->{scope} eq 'NONE' ? ''
                                    : lc $route->{scope}, 'scopes');
        is(!!grep({ exists $_->{app} } @{ $operation->{security} }),
           !!($route->{path} =~ m{^/v1/} && $route->{scope} ne 'NONE'),
           'the header of an app');

        # what others than the table read
        return if !@{ $route->{params} } && $route->{method} eq 'POST';

        for my $param (@{ $route->{params} }) {
            my $flag = $param->{flag};
            my $where = $flag->{PATH} ? 'path' : $flag->{BODY} ? 'body'
                                                               : 'query';
            my $entry = delete $found->{"$where $param->{name}"};

            ok($entry, "$param->{name} is there") or next;

            my ($needed, $schema) = @$entry;
            my $alias = grep { $_->{flag}{ALIAS} } @{ $route->{params} };

            is($needed, !!($flag->{PATH} || $flag->{REQUIRED}
                           || $param->{name} eq 'resource_id'),
               "$param->{name} is needed or not");
            is($json->encode(plain($schema, $param)),
               $json->encode(wanted($param)), "values of $param->{name}");
        }

        is(join(', ', sort keys %$found), '', 'no others');

        my @segments = $route->{path} =~ /\{(\w+)\}/g;
        is(join(' ', @segments),
           join(' ', map { $_->{name} } grep { $_->{flag}{PATH} }
                         @{ $route->{params} }), 'segments of the path');
    };
}


# --- schemas -----------------------------------------------------------------

# What the answers' schemas are by name: of an array, those of its elements.
sub instances {
    my ($route, $answer) = @_;

    my $response = OpenAPI::response(operation($route), $answer->{status});
    my $schema = $response->{content}{'application/json'}{schema} // {};
    my $many = ($schema->{type} // '') eq 'array';
    my ($name) = (($many ? $schema->{items} : $schema)->{'$ref'} // '')
                 =~ m{schemas/(\w+)} or return;

    return map { [$name, $json->encode($_)] }
               $many ? @{ $answer->{json} } : $answer->{json};
}


# The same with one thing changed, for each of some things in it.
sub mutants {
    my ($text) = @_;

    my $places = () = places($json->decode($text));
    my @texts;

    for my $n (0 .. ($places < 60 ? $places : 60) - 1) {
        for my $new ('gone', 'null', '"text"', '-1', '0.5', '[]', '{"x":1}') {
            my $copy = $json->decode($text);
            my ($object, $key) = @{ (places($copy))[$n] };

            if ($new ne 'gone') {
                $object->{$key} = $json->decode($new);
            } elsif ($key ne 'more') {
                delete $object->{$key};
            }

            push @texts, $json->encode($copy);
        }
    }

    return @texts;
}


sub places {
    my ($value) = @_;

    return map { places($_) } @$value if ref $value eq 'ARRAY';
    return if ref $value ne 'HASH';
    return ((map { [$value, $_] } sort(keys %$value), 'more'),
            map { places($value->{$_}) } sort keys %$value);
}


my (@lines, @verdicts);

for my $route (@table) {
    next if $route->{method} ne 'GET' || $route->{path} =~ /openapi|stream/;

    subtest "GET $route->{path} answers as it is there" => sub {
        for my $given ({}, unknown($route)) {
            my $answer = $own->request($route, %$given);
            my $uri = '/api/v1' . $route->{path};

            is(join("\n", OpenAPI::check(GET => $uri, $answer)), '',
               "answer $answer->{status}");

            for (instances($route, $answer)) {
                my ($name, $text) = @$_;

                push @lines, map { [$name, $_] } $text, mutants($text);
            }
        }
    };
}


# Ids that nobody has, where the route has any.
sub unknown {
    my ($route) = @_;

    my @ids = grep { $_->{flag}{PATH} } @{ $route->{params} } or return;

    return { map { $_->{name} => uuid() } @ids };
}


subtest 'it is valid, and its schemas mean what t/lib/OpenAPI.pm takes them for'
    => sub
{
    local $ENV{NODE_PATH} = getcwd() . '/.build/clients/node_modules';

    my $file = "$ENV{AGENTVISTA_TEST_DIR}/openapi-$$";
    open my $in, '>', $file or die "$file: $!";
    print $in qq({"schema":"$_->[0]","value":$_->[1]}\n) for @lines;
    close $in;

    my $out = `node t/clients/openapi.js src/api/openapi.json < $file`;
    unlink $file;
    my $result = $json->decode($out || '{}');

    ok($result->{valid}, 'OpenAPI 3.1');
    is($json->encode($result->{errors}), '[]', 'its schemas');
    is(scalar @{ $result->{verdicts} }, scalar @lines, 'all judged');

    my ($different, %count) = (0);

    for my $i (0 .. $#lines) {
        my ($name, $text) = @{ $lines[$i] };
        my @problems = OpenAPI::problems(
            { '$ref' => "#/components/schemas/$name" }, $json->decode($text));

        $count{@problems ? 'bad' : 'good'}++;
        next if !@problems == !!$result->{verdicts}[$i] || $different++ > 4;

        diag("$name: ", substr($text, 0, 300), "\n", join "\n", @problems);
    }

    is($different, 0, 'all alike');
    cmp_ok($count{$_}, '>', 500, "$_ ones among them") for qw(good bad);
};


subtest 'a suite that gets another answer fails' => sub {
    my $good = { status => 200, header => { 'content-type' =>
                 'application/json' }, body => '{"status":"ok"}' };
    my $uri = '/api/v1/me/api-keys/ping/';
    my $check = sub {
        OpenAPI::forget();
        return join ' ', OpenAPI::check(GET => $uri, { %$good, @_ });
    };

    is($check->(), '', 'right');
    like($check->(body => '{"status":"no"}'), qr/it.status is none/, 'value');
    like($check->(body => '{"status":"ok","x":1}'), qr/it.x is not in/,
         'member');
    like($check->(body => '{}'), qr/has no status/, 'nothing');
    like($check->(body => '{"status"'), qr/is not JSON/, 'no JSON');
    like($check->(status => 202), qr/status is not in/, 'status');
    like($check->(header => { 'content-type' => 'text/html' }),
         qr/a type that is not in/, 'type');
    like($check->(status => 418), qr/it has no detail/, 'error');

    my $run = sub {
        my $answer = $json->encode({ %$good, body => $json->encode($_[0]) });
        my $program = "ok(1); OpenAPI::seen('GET $uri HTTP/1.1',"
                      . " JSON::PP::decode_json('$answer')); done_testing()";

        local $ENV{AGENTVISTA_TEST_OPENAPI} = 1;
        local $ENV{PROGRAM} = $program;

        return system('exec perl -It/lib -MOpenAPI -MTest::More'
                      . ' -e "$PROGRAM" > /dev/null 2>&1') >> 8;
    };

    my ($right, $wrong) = map { $run->({ status => $_ }) } 'ok', 'no';

    is($right, 0, 'a right answer');
    is($wrong, 1, 'a wrong one');
};


done_testing;
