# CORS by directive: preflights without a key, headers on answers and errors,
# inheritance, and what nginx -t says.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use PrivateNginx;
use Routes;
use Test::More;

PrivateNginx::guard(120);

my $key = key(account());
my $app = 'https://app.example.com';
my $other = 'http://localhost:3000';

# Each server by its name.
my $port = PrivateNginx::free_port();
my $nginx = PrivateNginx->new(database => database(), http => <<"END");
    limit_req_zone \$server_name zone=one:1m rate=1r/m;

    server {
        listen 127.0.0.1:$port;
        server_name listed;
        agentvista_cors $app $other;
        location / { agentvista; }
        location /off/ { agentvista_cors off; agentvista; }
        location /else/ { agentvista_cors http://[::1]:8080; agentvista; }
        location /any/ {
            agentvista_cors *;
            agentvista;
            if (\$arg_x) { set \$x 1; }
        }
        location /limited/ { agentvista; limit_req zone=one; }
        location /denied/ { agentvista; deny all; }
        location /small/ { agentvista; agentvista_body_limit 10; }
        location = /readyz { agentvista_status readyz; }
        location /static/ { empty_gif; }
        location /guarded/ { agentvista_access read; empty_gif; }
    }

    server {
        listen 127.0.0.1:$port;
        server_name none;
        location / { agentvista; }
    }
END

$nginx->{port} = $port;
ok($nginx->ready, 'ready');


sub ask {
    my ($request, %header) = @_;

    my $body = delete $header{body} // '';
    my $host = delete $header{Host} // 'listed';

    $header{'Content-Length'} = length $body if length $body;
    $request =~ /^(\S+) (\S+)/;

    my $answer = $nginx->exchange("$1 $2 HTTP/1.1\r\nHost: $host\r\n"
        . join('', map { "$_: $header{$_}\r\n" } sort keys %header)
        . "Connection: close\r\n\r\n$body", 10);

    return $answer;
}


# What of an answer is CORS's: each header without its prefix.
sub cors {
    my ($answer) = @_;

    my $head = $answer->{header};

    return join ' ', $answer->{status},
                     map { "$_=$head->{\"access-control-allow-$_\"}" }
                     grep { defined $head->{"access-control-allow-$_"} }
                          qw(origin credentials methods);
}


sub vary { return $_[0]{header}{vary} // '' }


my @preflight = ('Access-Control-Request-Method' => 'PATCH',
                 'Access-Control-Request-Headers' => 'authorization');
my @key = (Authorization => "Bearer $key");
my $uuid = uuid();


subtest 'preflights of every route' => sub {
    my %methods;

    push @{ $methods{$_->{path}} }, $_->{method} for Routes::table();

    for my $path (sort keys %methods) {
        my $uri = $path =~ s/\{\w+\}/$uuid/gr;
        my $answer = ask("OPTIONS $uri", Origin => $app, @preflight);
        my %of = map { $_ => 1 } @{ $methods{$path} };

        # a path may also be one of another row
        $of{$_} = 1 for map { $_ eq 'GET' ? 'HEAD' : () } keys %of;

        my %allowed = map { $_ => 1 }
            split /, /, $answer->{header}{'access-control-allow-methods'}
                        // '';

        is($answer->{status}, 204, "$path is answered without a key");
        is(join(' ', sort keys %allowed), join(' ', sort keys %of),
           'its methods');
        is($answer->{body}, '', 'nothing else');
    }
};


subtest 'a preflight' => sub {
    my $answer = ask('OPTIONS /agents/', Origin => $app, @preflight);
    my $head = $answer->{header};

    is(cors($answer), "204 origin=$app credentials=true methods=GET, HEAD",
       'of a listed origin');
    is(vary($answer), 'Origin', 'varies');
    is($head->{'access-control-max-age'}, 7200, 'is kept');
    is($head->{'content-length'}, undef, 'has no length');
    like(", $head->{'access-control-allow-headers'},", qr/, $_,/i, $_)
        for qw(Authorization Content-Type X-Agentmark-App-Id traceparent
               Content-Encoding Last-Event-ID);
    is($head->{'access-control-expose-headers'}, undef,
       'exposes nothing: nobody reads it');

    is(cors(ask('OPTIONS /agents', Origin => $other, @preflight)),
       "204 origin=$other credentials=true methods=GET, HEAD", 'of the other');
    is(cors(ask('OPTIONS /any/agents', Origin => 'https://x.example',
                @preflight)), '204 origin=* methods=GET, HEAD', 'of any');
    is(cors(ask('OPTIONS /any/agents?x=1', Origin => 'https://x.example',
                @preflight)), '204 origin=* methods=GET, HEAD',
       'in an "if" of a location');
    is(cors(ask('OPTIONS /else/agents', Origin => 'http://[::1]:8080',
                @preflight)),
       '204 origin=http://[::1]:8080 credentials=true methods=GET, HEAD',
       'of an address');
    is(cors(ask('OPTIONS /agents', Origin => $app, @preflight,
                body => 'x' x 100)),
       "204 origin=$app credentials=true methods=GET, HEAD", 'with a body');
};


subtest 'what is no preflight, or not allowed, is 405 as ever' => sub {
    for (['no origin', '/agents', @preflight],
         ['no method', '/agents', Origin => $app],
         ['another origin', '/agents', Origin => 'https://evil.example',
          @preflight],
         ['one that begins so', '/agents', Origin => "$app.evil.example",
          @preflight],
         ['another port', '/agents', Origin => "$app:8443", @preflight],
         ['another scheme', '/agents', Origin => 'http://app.example.com',
          @preflight],
         ['null', '/agents', Origin => 'null', @preflight],
         ['a star', '/agents', Origin => '*', @preflight],
         ['switched off', '/off/agents', Origin => $app, @preflight],
         ['replaced', '/else/agents', Origin => $app, @preflight],
         ['not configured', '/agents', Host => 'none', Origin => $app,
          @preflight])
    {
        my ($name, $path, @header) = @$_;
        my $answer = ask("OPTIONS $path", @header);

        like($answer->{body}, qr/"detail":"Method not allowed/, $name);
        is($answer->{header}{allow}, 'GET, HEAD', 'with Allow');
        unlike(cors($answer), qr/methods/, 'and nothing that allows it');
        unlike(cors($answer), qr/origin/, 'nor names an origin')
            if $name ne 'no method';
    }

    is(cors(ask('OPTIONS /nothing', Origin => $app, @preflight)),
       "404 origin=$app credentials=true", 'an unknown path');
    is(cors(ask('OPTIONS /denied/agents', Origin => $app, @preflight)),
       "403 origin=$app credentials=true", 'what the operator denies');
};


subtest 'answers' => sub {
    my $answer = ask('GET /me/api-keys/ping', Origin => $app, @key);

    is(cors($answer), "200 origin=$app credentials=true", 'a listed origin');
    is(vary($answer), 'Origin', 'varies');
    like(", $answer->{header}{'access-control-expose-headers'},", qr/, $_,/,
         "$_ may be read") for qw(Retry-After X-Request-Id ETag X-Next-Cursor);

    $answer = ask('GET /me/api-keys/ping', Origin => 'https://evil.example',
                  @key);
    is(cors($answer), '200', 'another origin is not named');
    is(vary($answer), 'Origin', 'and no cache gives it the first one\'s');

    $answer = ask('GET /me/api-keys/ping', @key);
    is(cors($answer), '200', 'no origin');
    is(vary($answer), 'Origin', 'varies, too');

    $answer = ask('GET /any/me/api-keys/ping', @key);
    is(cors($answer), '200 origin=*', 'any, without credentials');
    is(vary($answer), '', 'is the same for all');

    for (['/off/me/usage', Origin => $app],
         ['/me/usage', Host => 'none', Origin => $app])
    {
        my ($path, @header) = @$_;

        $answer = ask("GET $path", @header, @key);
        is(cors($answer), '200', 'off');
        is(vary($answer), '', 'does not vary');
    }

    is(cors(ask('HEAD /agents', Origin => $app, @key)),
       "200 origin=$app credentials=true", 'HEAD');
    is(cors(ask('GET /openapi.json', Origin => $app, 'If-None-Match' => '*')),
       "304 origin=$app credentials=true", 'not modified');
    is(cors(ask('POST /traces/batch', Origin => $app, @key,
                'Content-Type' => 'application/json',
                body => batch(trace({}, span())))),
       "200 origin=$app credentials=true", 'a batch');
    is(cors(ask('GET /openapi.json', Origin => $app, 'If-Match' => '"x"')),
       "412 origin=$app credentials=true", 'once, of what turned out another');
};


subtest 'errors' => sub {
    for (['no key', 401, 'GET /agents'],
         ['a bad key', 401, 'GET /agents', Authorization => 'Bearer av_x'],
         ['nothing there', 404, "GET /dashboard/traces/$uuid", @key],
         ['an unknown path', 404, 'GET /nothing'],
         ['a bad parameter', 400, 'GET /dashboard/traces?status=x', @key],
         ['another method', 405, 'POST /agents', body => '{}'],
         ['too much', 413, 'POST /small/traces/batch', @key, body => 'x' x 99],
         ['another type', 415, 'POST /traces/batch', @key, body => 'x',
          'Content-Type' => 'text/plain'],
         ['of AgentMark', 401, 'GET /v1/traces', @key],
         ['of OTLP', 400, 'POST /v1/traces', @key, body => 'x',
          'Content-Type' => 'application/json'],
         ['of another module', 403, 'GET /denied/agents', @key])
    {
        my ($name, $status, $request, @header) = @$_;
        my $answer = ask($request, Origin => $app, @header);

        is(cors($answer), "$status origin=$app credentials=true", $name);
        is(vary($answer), 'Origin', 'varies');
        like($answer->{header}{'access-control-expose-headers'},
             qr/Retry-After/, 'and exposes');
    }

    ask('GET /limited/agents', @key);
    is(cors(ask('GET /limited/agents', Origin => $app, @key)),
       "503 origin=$app credentials=true", 'too many requests');
};


subtest 'other locations are left alone' => sub {
    for (['/static/', 200], ['/readyz', 200], ['/guarded/', 401]) {
        my ($path, $status) = @$_;
        my $answer = ask("GET $path", Origin => $app);

        is(cors($answer) . vary($answer), $status, $path);
    }
};


subtest 'two origins in one request are none' => sub {
    my $answer = $nginx->exchange("GET /me/usage HTTP/1.1\r\nHost: listed\r\n"
        . "Origin: $app\r\nOrigin: $other\r\nAuthorization: Bearer $key\r\n"
        . "Connection: close\r\n\r\n");

    is(cors($answer), '200', 'no header');
};


# --- nginx -t ----------------------------------------------------------------

my $dir = "$ENV{AGENTVISTA_TEST_DIR}/cors-$$";
my $load = join '', map { "load_module $_;\n" }
                    split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';

mkdir $dir or die "$dir: $!";
mkdir "$dir/$_" for qw(logs tmp);


sub check {
    my ($http, $server) = @_;

    open my $conf, '>', "$dir/nginx.conf" or die $!;
    print $conf <<END;
$load
pid logs/nginx.pid;
error_log stderr;
events { }
http {
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    agentvista_database "@{[database()]}";
    agentvista_zone 4m;
    $http
    server { listen unix:nginx.sock; $server }
}
END
    close $conf;

    return scalar `'$nginx->{binary}' -t -p '$dir/' -c '$dir/nginx.conf' 2>&1`;
}


subtest 'origins that nginx -t takes' => sub {
    for ('off', '*', 'https://a.example', 'http://localhost:3000',
         'https://a.example https://b.example:8443', 'http://127.0.0.1:80',
         'http://[::1]:3000', 'https://xn--bcher-kva.example',
         'capacitor://localhost', 'chrome-extension://abcdefgh')
    {
        my $taken = $_ ne 'http://127.0.0.1:80';
        my $out = check("agentvista_cors $_;", 'location / { agentvista; }');

        like($out, $taken ? qr/test is successful/
                          : qr/has its scheme's own port/, $_);
    }

    like(check('agentvista_cors *;', 'agentvista_cors off;'
               . ' location / { agentvista_cors https://a; agentvista; }'),
         qr/test is successful/, 'in each place');
};


subtest 'and those that it does not' => sub {
    my %wrong = (
        '' => qr/invalid number of arguments/,
        'example.com' => qr/origin "example.com" must be scheme:\/\/host/,
        'https://' => qr/has no valid host/,
        'https://a/' => qr/has a path, or a slash at its end/,
        'https://a/b' => qr/has a path/,
        'https://A.example' => qr/has no valid host/,
        'https://a.Example' => qr/has a character or a port that no origin/,
        'HTTPS://a' => qr/in lower case/,
        'https://*.example.com' => qr/has no valid host/,
        'https://a:443' => qr/has its scheme's own port/,
        'https://a:0' => qr/has a character or a port/,
        'https://a:65536' => qr/has a character or a port/,
        'https://a:' => qr/has a character or a port/,
        'https://[::1' => qr/has an invalid address/,
        'https://a?b' => qr/has a character or a port/,
        'https://user@a' => qr/has a character or a port/,
        'null' => qr/must be scheme/,
        '* https://a' => qr/origin "\*" is every origin, and goes alone/,
        'https://a *' => qr/origin "\*" is every origin, and goes alone/,
        'https://a off' => qr/origin "off" goes alone/,
        'https://a https://a' => qr/origin "https:\/\/a" is there twice/,
    );

    for (sort keys %wrong) {
        my $out = check("agentvista_cors $_;", 'location / { agentvista; }');

        like($out, $wrong{$_}, "\"$_\"");
        like($out, qr/nginx.conf:\d+/, 'with its place');
    }

    like(check('agentvista_cors *; agentvista_cors *;', ''),
         qr/"agentvista_cors" directive is duplicate/, 'twice');
};


is(join('', $nginx->logged(qw(alert emerg crit))), '', 'nothing in the log');

done_testing;
