# What nginx refuses before it knows the location: JSON on servers with a
# location of the API, nginx's own pages on others.

use strict;
use warnings;

use lib 't/lib';
use AgentVista ();
use PrivateNginx;
use Test::More;

PrivateNginx::guard(60);

my ($web, $own, $both) = map { AgentVista::free_port() } 1 .. 3;

my $nginx = PrivateNginx->new(database => AgentVista::database(),
                              workers => 1, http => <<"END");
    server {
        listen 127.0.0.1:$web;
        location / { agentvista_access read; }
    }

    server {
        listen 127.0.0.1:$own;
        error_page 400 /400;
        location /api/v1/ { agentvista; }
        location = /400 { return 200 "the operator's"; }
    }

    server {
        listen 127.0.0.1:$both;
        location /v1/ { agentvista; }
    }
END

my $close = "Host: x\r\nConnection: close\r\n";

# name, status of the line or header that nginx does not take, its text
my @refused = (
    ['a malformed line', 400, "GET\r\n\r\n"],
    ['a malformed path', 400, "GET /api/v1/% HTTP/1.1\r\n$close\r\n"],
    ['NUL in a path', 400, "GET /api/v1/agents%00 HTTP/1.1\r\n$close\r\n"],
    ['a path too long', 414,
     'GET /api/v1/' . 'x' x 9000 . " HTTP/1.1\r\n$close\r\n"],
    ['a header too long', 400,
     "GET /api/v1/agents HTTP/1.1\r\n${close}A: " . 'x' x 9000 . "\r\n\r\n"],
    ['no Host', 400, "GET /api/v1/agents HTTP/1.1\r\n\r\n"],
    ['two lengths', 400, "POST /api/v1/traces/batch HTTP/1.1\r\n$close"
                         . "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"],
    ['TRACE', 405, "TRACE /api/v1/agents HTTP/1.1\r\n$close\r\n"],
);


sub answer {
    my ($port, $text) = @_;

    local $nginx->{port} = $port;
    my $socket = $nginx->connect or die "connect: $!";

    $socket->autoflush(1);
    print $socket $text;

    return PrivateNginx::answer($socket, 10);
}


my %detail = (400 => 'Bad request.', 405 => 'Method not allowed.',
              414 => 'Request URI too long.');

for (@refused) {
    my ($name, $status, $text) = @$_;

    my $answer = answer($nginx->{port}, $text);

    is($answer->{status}, $status, $name);
    is($answer->{header}{'content-type'}, 'application/json', "$name: JSON");
    is($answer->{body}, qq({"detail":"$detail{$status}"}), "$name: which");

    like(answer($web, $text)->{body}, qr/<html>/, "$name: elsewhere a page");
}

my ($malformed) = map { $_->[2] } @refused;

is(answer($own, $malformed)->{body}, "the operator's", "error_page's");

is(answer($both, "GET /v1/traces HTTP/1.1\r\n\r\n")->{body},
   '{"error":"Bad request."}', 'of a path that was understood, in its style');

is(answer($both, "GET /other HTTP/1.1\r\n$close\r\n")->{status}, 404,
   'what has no location');
like(answer($both, "GET /other HTTP/1.1\r\n$close\r\n")->{body}, qr/<html>/,
     'is not the API\'s');

is(join('', $nginx->logged(qw(alert emerg crit))), '', 'the log is quiet');

done_testing();
