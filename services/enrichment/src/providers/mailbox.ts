/** Whether an address is somebody's private mailbox: the domain of a mail service that anybody can join. */

const FREE_MAIL: ReadonlySet<string> = new Set(
  (
    'gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr live.com msn.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de ' +
    'yahoo.co.jp ymail.com icloud.com me.com mac.com aol.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de freenet.de ' +
    'proton.me protonmail.com pm.me mail.com zoho.com fastmail.com hey.com tutanota.com yandex.ru yandex.com mail.ru bk.ru inbox.ru ' +
    'qq.com 163.com 126.com sina.com naver.com daum.net hanmail.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it ' +
    'virgilio.it tiscali.it alice.it wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz bigpond.com btinternet.com sky.com ' +
    'talktalk.net virginmedia.com comcast.net verizon.net att.net sbcglobal.net cox.net shaw.ca rogers.com rediffmail.com uol.com.br ' +
    'bol.com.br terra.com.br hotmail.es hotmail.it ziggo.nl kpnmail.nl telenet.be bluewin.ch abv.bg'
  ).split(' '),
);

/** `companyDomain`: the employer's, which is never private, whoever else may have mailboxes there. */
export function isPersonalAddress(email: string | null, companyDomain: string | null): boolean {
  const domain = email?.slice(email.lastIndexOf('@') + 1).toLowerCase() ?? '';
  if (domain === '' || domain === companyDomain?.toLowerCase()) return false;
  // `freemail.<country>.example` is the mail service of the sandbox's and the tests' invented people
  return FREE_MAIL.has(domain) || /^freemail\..*\.example$/.test(domain);
}
