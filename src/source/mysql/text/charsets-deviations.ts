/**
 * Where the server's character sets differ from iconv-lite's, by the server's own conversion (MySQL 9.7 and MariaDB
 * 10.11 say the same; the integration test compares every code). Runs in hex: `code[+count][:first code point]`;
 * without a code point the server has none, so the bytes stay bytes. Data only.
 */

/** Upper halves of single-byte sets that iconv-lite doesn't know begin as ISO 8859-1 here. */
export const SINGLE_DEVIATIONS: Readonly<Record<string, string>> = {
  armscii8: 'a1:2741 a2:a7 ad:55f fe:2019 ff:27',
  cp1256: '8a 8f 98 9a 9f aa c0 ff',
  cp866: 'fc:207f fd:b2',
  dec8: 'a4 a6 a8:a4 ac+4 b4 b8 be d0 d7:152 dd:178 de f0 f7:153 fd:ff fe+2',
  geostd8:
    '80:20ac 81 82:201a 83 84:201e 85:2026 86+2:2020 88 89:2030 8a 8b:2039 8c+5 91+2:2018 93+2:201c ' +
    '95:2022 96+2:2013 98+3 9b:203a 9c+4 c0+7:10d0 c7:10f1 c8+6:10d7 ce:10f2 cf+6:10dd d5:10f3 ' +
    'd6+c:10e3 e2:10f4 e3+2:10ef e5:10f5 e6+17 fd:2116 fe+2',
  greek: 'a1:2bd a2:2bc a4+2 aa',
  hebrew: 'af:203e',
  keybcs2:
    '80:10c 81:fc 82:e9 83:10f 84:e4 85:10e 86:164 87:10d 88:11b 89:11a 8a:139 8b:cd 8c:13e 8d:13a ' +
    '8e:c4 8f:c1 90:c9 91:17e 92:17d 93:f4 94:f6 95:d3 96:16f 97:da 98:fd 99:d6 9a:dc 9b:160 9c:13d ' +
    '9d:dd 9e:158 9f:165 a0:e1 a1:ed a2:f3 a3:fa a4:148 a5:147 a6:16e a7:d4 a8:161 a9:159 aa:155 ab:154 ' +
    'ac:bc ad:a1 ae:ab af:bb b0+3:2591 b3:2502 b4:2524 b5+2:2561 b7:2556 b8:2555 b9:2563 ba:2551 ' +
    'bb:2557 bc:255d bd:255c be:255b bf:2510 c0:2514 c1:2534 c2:252c c3:251c c4:2500 c5:253c c6+2:255e ' +
    'c8:255a c9:2554 ca:2569 cb:2566 cc:2560 cd:2550 ce:256c cf+2:2567 d1+2:2564 d3:2559 d4:2558 ' +
    'd5+2:2552 d7:256b d8:256a d9:2518 da:250c db:2588 dc:2584 dd:258c de:2590 df:2580 e0:3b1 e1:df ' +
    'e2:393 e3:3c0 e4:3a3 e5:3c3 e6:b5 e7:3c4 e8:3a6 e9:398 ea:3a9 eb:3b4 ec:221e ed:3c6 ee:3b5 ef:2229 ' +
    'f0:2261 f1:b1 f2:2265 f3:2264 f4+2:2320 f6:f7 f7:2248 f8:b0 f9:2219 fa:b7 fb:221a fc:207f fd:b2 ' +
    'fe:25a0 ff:a0',
  koi8u: '95:2022',
  latin1: '81:81 8d:8d 8f+2:8f 9d:9d',
  macroman: 'bd:3a9 db:20ac f0:f8ff',
  swe7: '40:c9 5b:c4 5c:d6 5d:c5 5e:dc 60:e9 7b:e4 7c:f6 7d:e5 7e:fc 7f+81',
  tis620: '80+20:80',
};

export const MULTI_DEVIATIONS: Readonly<Record<string, string>> = {
  big5:
    'a145:2022 a14e:ff64 a15a a1c2:203e a1c3 a1c5 a1e3:223c a1f2:2641 a1f3:2609 a1fe a240 a241:ff0f ' +
    'a242:ff3c a244:a5 a246+2:a2 a2cc a2ce a3c0+22 c6a1:30fe c6a2+2:309d c6a4:3005 c6a5+53:3041 ' +
    'c6f8+7:30a1 c740+3f:30a8 c7a1+10:30e7 c7b1+2:414 c7b3:401 c7b4+7:416 c7bb+13:423 c7ce:451 ' +
    'c7cf+1a:436 c7e9+a:2460 c7f3+a:2474 c7fd+2 c840+3f c8a1+4 c8cd+25 c8f5+a f9dd+22',
  cp932: 'f941+3e:e69d f980+7d:e6db',
  eucjpms:
    'f5a1+5e:e000 f6a1+5e:e05e f7a1+5e:e0bc f8a1+5e:e11a f9a1+5e:e178 faa1+5e:e1d6 fba1+5e:e234 ' +
    'fca1+5e:e292 fda1+5e:e2f0 fea1+5e:e34e 8fa2c3:ffe4 8ff3f3+a:2170 8ff3fd+2:2160 8ff4a1+8:2162 ' +
    '8ff4a9:ff07 8ff4aa:ff02 8ff4ab:3231 8ff4ac:2116 8ff4ad:2121 8ff4ae:70bb 8ff4af:4efc 8ff4b0:50f4 ' +
    '8ff4b1:51ec 8ff4b2:5307 8ff4b3:5324 8ff4b4:fa0e 8ff4b5:548a 8ff4b6:5759 8ff4b7+2:fa0f 8ff4b9:589e ' +
    '8ff4ba:5bec 8ff4bb:5cf5 8ff4bc:5d53 8ff4bd:fa11 8ff4be:5fb7 8ff4bf:6085 8ff4c0:6120 8ff4c1:654e ' +
    '8ff4c2:663b 8ff4c3:6665 8ff4c4:fa12 8ff4c5:f929 8ff4c6:6801 8ff4c7+2:fa13 8ff4c9:6a6b 8ff4ca:6ae2 ' +
    '8ff4cb:6df8 8ff4cc:6df2 8ff4cd:7028 8ff4ce+2:fa15 8ff4d0:7501 8ff4d1:7682 8ff4d2:769e 8ff4d3:fa17 ' +
    '8ff4d4:7930 8ff4d5+4:fa18 8ff4d9:7ae7 8ff4da+2:fa1c 8ff4dc:7da0 8ff4dd:7dd6 8ff4de:fa1e ' +
    '8ff4df:8362 8ff4e0:fa1f 8ff4e1:85b0 8ff4e2+2:fa20 8ff4e4:8807 8ff4e5:fa22 8ff4e6:8b7f 8ff4e7:8cf4 ' +
    '8ff4e8:8d76 8ff4e9+3:fa23 8ff4ec:90de 8ff4ed:fa26 8ff4ee:9115 8ff4ef+2:fa27 8ff4f1:9592 ' +
    '8ff4f2:f9dc 8ff4f3:fa29 8ff4f4:973b 8ff4f5:974d 8ff4f6:9751 8ff4f7+3:fa2a 8ff4fa:999e 8ff4fb:9ad9 ' +
    '8ff4fc:9b72 8ff4fd:fa2d 8ff4fe:9ed1 8ff5a1+5e:e3ac 8ff6a1+5e:e40a 8ff7a1+5e:e468 8ff8a1+5e:e4c6 ' +
    '8ff9a1+5e:e524 8ffaa1+5e:e582 8ffba1+5e:e5e0 8ffca1+5e:e63e 8ffda1+5e:e69c 8ffea1+5e:e6fa',
  gb18030: 'a3a0:e5e5',
  gb2312: 'a1a4:30fb a1aa:2015 a2a1+a a6e0+c a6ee+5 a6f4+2 a8bb a8bd+2 a8c0',
  gbk:
    'a140+3f a180+21 a240+3f a280+21 a2ab+6 a2e3+2 a2ef+2 a2fd+2 a340+3f a380+21 a440+3f a480+21 a4f4+b ' +
    'a540+3f a580+21 a5f7+8 a640+3f a680+21 a6b9+8 a6d9+7 a6ec+2 a6f3 a6f6+9 a740+3f a780+21 a7c2+f ' +
    'a7f2+d a896+b a8bc a8bf a8c1+4 a8ea+15 a958 a95b a95d+3 a989+d a997+d a9f0+f aaa1+5e aba1+5e ' +
    'aca1+5e ada1+5e aea1+5e afa1+5e d7fa+5 f8a1+5e f9a1+5e faa1+5e fba1+5e fca1+5e fda1+5e fe50+2f ' +
    'fe80+7f',
  sjis:
    '815f:5c 8160:301c 8161:2016 817c:2212 8191+2:a2 81ca:ac 8740+1e 875f+17 877e 8780+1d ed40+3f ' +
    'ed80+7d ee40+3f ee80+6d eeef+e f040+3f f080+7d f140+3f f180+7d f240+3f f280+7d f340+3f f380+7d ' +
    'f440+3f f480+7d f540+3f f580+7d f640+3f f680+7d f740+3f f780+7d f840+3f f880+7d f940 fa40+3f ' +
    'fa80+7d fb40+3f fb80+7d fc40+c',
  ujis:
    'a1c0:5c a1c1:301c a1c2:2016 a1dd:2212 a1f1+2:a2 a2cc:ac ada1+1e adc0+17 addf+1e f5a1+5e:e000 ' +
    'f6a1+5e:e05e f7a1+5e:e0bc f8a1+5e:e11a f9a1+5e:e178 faa1+5e:e1d6 fba1+5e:e234 fca1+5e:e292 ' +
    'fda1+5e:e2f0 fea1+5e:e34e 8fa2b7:7e 8ff5a1+5e:e3ac 8ff6a1+5e:e40a 8ff7a1+5e:e468 8ff8a1+5e:e4c6 ' +
    '8ff9a1+5e:e524 8ffaa1+5e:e582 8ffba1+5e:e5e0 8ffca1+5e:e63e 8ffda1+5e:e69c 8ffea1+5e:e6fa',
};
