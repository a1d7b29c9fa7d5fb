/** The passwords of eight characters or more that leak most often, in lower case. */
export const commonPasswords = new Set(
  `12345678 123456789 1234567890 0123456789 87654321 987654321 9876543210 11111111 111111111 1111111111 00000000 000000000
0000000000 22222222 33333333 55555555 66666666 77777777 88888888 99999999 12341234 12344321 11223344 1122334455 112233445566
123123123 123321123 12345678910 123456789a 12345678a 1234qwer qwer1234 qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui
qwertyuiop qwerty123456 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qazxsw2 qazwsxedc qazwsx123 q1w2e3r4 q1w2e3r4t5 zaq12wsx
zaq1zaq1 asdfghjk asdfghjkl asdf1234 asdfasdf zxcvbnm1 zxcvbnm123 password password1 password12 password123 password1234
passw0rd p@ssw0rd p@ssword iloveyou iloveyou1 sunshine sunshine1 princess princess1 football football1 baseball baseball1
superman superman1 trustno1 starwars whatever welcome1 welcome123 letmein1 letmein123 michelle jennifer jessica1 ashley123
computer internet samsung1 samsung123 nintendo pokemon1 pokemon123 liverpool chelsea1 arsenal1 barcelona realmadrid
spartak1 spartak1922 zenit1925 marina123 natasha1 tatyana1 svetlana ekaterina alexander alexandr aleksandr vladimir sergey123
andrey123 dmitriy1 kristina anastasia nastya123 viktoria victoria1 margarita valentina klubnika lubov123 privet123 parol123
parol1234 password2 changeme changeme1 administrator admin123 admin1234 admin12345 administrator1 root1234 test1234 test12345
testtest testing1 temp1234 default1 secret123 master12 master123 monkey123 dragon123 shadow123 killer123 charlie1 jordan23
michael1 daniel123 thomas12 matthew1 a1b2c3d4 a1s2d3f4 abcd1234 abcd12345 abc12345 abc123456 abcdefgh abcdefg1 abcdefghi
aa123456 aa12345678 aaaaaaaa a12345678 a123456789 qqqqqqqq 1234567q q1234567 q12345678 q123456789 z1234567 789456123 147258369
159753456 159357456 741852963 963852741 147852369 852456852 10203040 1020304050 20202020 12121212 13131313 19841984 19851985
19861986 19871987 19881988 19891989 19901990 19911991 19921992 20002000 20012001 20102010 qwe123qwe qweqweqwe qweasdzxc qweasd123
qweasdzxc123 1qaz1qaz 1qaz2wsx3edc 3edc4rfv йцукенгш йцукен123 пароль12 пароль123 любовь12 привет123 солнышко любимая
наташа12 марина12 футбол12 максим12 qwertyqwerty google123 facebook whatsapp vkontakte odnoklassniki`.split(/\s+/),
)
