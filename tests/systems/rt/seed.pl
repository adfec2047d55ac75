# What the tests find in RT: two queues, one of which the clerk may only read, a custom field, and the clerk's token.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT;

RT::LoadConfig();
RT::Init();

sub made {
    my ($class, @values) = @_;
    my $one = $class->new(RT->SystemUser);
    my ($done, $words) = $one->Create(@values);
    die "$class: $words" unless $done;
    return $one;
}

my $support = made('RT::Queue', Name => 'Support', CorrespondAddress => 'support@acme.example');
my $board = made('RT::Queue', Name => 'Board');

my $clerk = made('RT::User', Name => 'interlock', EmailAddress => 'interlock@acme.example', Privileged => 1);
my @rights = qw(
    SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ReplyToTicket ModifyTicket OwnTicket
    TakeTicket SeeCustomField ModifyCustomField
);
for my $right (@rights) {
    my ($done, $words) = $clerk->PrincipalObj->GrantRight(Right => $right, Object => $support);
    die "$right: $words" unless $done;
}
$clerk->PrincipalObj->GrantRight(Right => $_, Object => $board) for qw(SeeQueue ShowTicket);
made('RT::Ticket', Queue => $board->Id, Subject => 'The budget', Owner => RT->Nobody->Id);
$clerk->PrincipalObj->GrantRight(Right => $_, Object => RT->System) for qw(ManageAuthTokens ModifySelf);

my $site = made('RT::CustomField', Name => 'Site', Type => 'SelectSingle', LookupType => RT::Ticket->CustomFieldLookupType);
$site->AddValue(Name => $_) for qw(Basel Lugano);
$site->AddToObject($support);

my $token = RT::AuthToken->new(RT::CurrentUser->new($clerk->Id));
my ($done, $words, $text) = $token->Create(Owner => $clerk->Id, Description => 'Interlock');
die "token: $words" unless $done;
print "$text\n";
