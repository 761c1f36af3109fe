// Telephone numbers that belong to nobody: the ranges that numbering authorities keep for fiction, dealt out so that
// two people of one run never share a number. No other number may leave the sandbox.

/**
 * Area codes of the North American plan in the United States; 555-0100 .. 555-0199 is kept for fiction in each.
 * 100 numbers a code: enough for a run of 20,000 seeds.
 */
const areaCodes = (
  '201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 223 224 225 228 229 231 234 239 240 248 ' +
  '251 252 253 254 256 260 262 267 269 270 272 276 279 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 ' +
  '317 318 319 320 321 323 325 326 330 331 332 334 336 337 339 341 346 347 351 352 360 361 364 380 385 386 401 402 ' +
  '404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 442 443 445 447 448 458 463 ' +
  '464 469 470 475 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 531 534 539 ' +
  '540 541 551 559 561 562 563 564 567 570 571 573 574 575 580 585 586 601 602 603 605 606 607 608 609 610 612 614 ' +
  '615 616 617 618 619 620 623 626 628 629 630 631 636 640 641 646 650 651 657 659 660 661 662 667 669 678 680 681 ' +
  '682 689 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 725 726 727 731 732 734 737 740 743 ' +
  '747 754 757 760 762 763 765 769 770 772 773 774 775 779 781 785 786 801 802 803 804 805 806 808 810 812 813 814 ' +
  '815 816 817 818 820 828 830 831 832 835 838 840 843 845 847 848 850 854 856 857 858 859 860 862 863 864 865 870 ' +
  '872 878 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 929 930 931 934 936 937 938 ' +
  '940 941 943 945 947 949 951 952 954 956 959 970 971 972 973 978 979 980 984 985 986 989'
).split(' ');

interface Range {
  readonly capacity: number;
  number(index: number): string;
  index(phone: string): number | undefined;
  national(phone: string, style: number): string;
}

const digits = (value: number, length: number): string => String(value).padStart(length, '0');

function suffixRange(prefix: string, length: number, national: (rest: string) => string): Range {
  const pattern = new RegExp(`^\\${prefix}(\\d{${length}})$`);
  return {
    capacity: 10 ** length,
    number: (index) => prefix + digits(index, length),
    index: (phone) => {
      const rest = pattern.exec(phone)?.[1];
      return rest === undefined ? undefined : Number(rest);
    },
    national: (phone) => national(phone.slice(prefix.length)),
  };
}

const ranges = {
  US: {
    capacity: areaCodes.length * 100,
    // the area code changes fastest, so that neighbouring seeds do not look alike
    number: (index) =>
      `+1${areaCodes[index % areaCodes.length] ?? ''}55501${digits(Math.floor(index / areaCodes.length), 2)}`,
    index: (phone) => {
      const match = /^\+1(\d{3})55501(\d\d)$/.exec(phone);
      const code = areaCodes.indexOf(match?.[1] ?? '');
      return code < 0 ? undefined : Number(match?.[2]) * areaCodes.length + code;
    },
    national: (phone, style) => {
      const [area, exchange, line] = [phone.slice(2, 5), phone.slice(5, 8), phone.slice(8)];
      return style % 2 === 0 ? `(${area}) ${exchange}-${line}` : `${area}.${exchange}.${line}`;
    },
  },
  GB: suffixRange('+442079460', 3, (rest) => `020 7946 0${rest}`),
  DE: suffixRange('+493023125', 3, (rest) => `030 23125 ${rest}`),
  FR: suffixRange('+3363998', 4, (rest) => `06 39 98 ${rest.slice(0, 2)} ${rest.slice(2)}`),
  SE: suffixRange('+468465004', 2, (rest) => `08-465 004 ${rest}`),
} as const satisfies Record<string, Range>;

export type PhoneCountry = keyof typeof ranges;
const phoneCountries = ['US', 'GB', 'DE', 'FR', 'SE'] as const satisfies readonly PhoneCountry[];

/**
 * Deals by position, without memory. `turn` counts the people who could get a number of this range, and among any
 * `turnsApart` turns in a row no number may come twice: of a range too small for that only every n-th turn gets one.
 * Null for the others.
 */
export function dealPhone(country: PhoneCountry, turn: number, turnsApart: number): string | null {
  const range = ranges[country];
  const stride = Math.ceil(turnsApart / range.capacity);
  return turn % stride === 0 ? range.number((turn / stride) % range.capacity) : null;
}

/** The turns below `turnsMax` that `dealPhone` gave this number to. */
export function turnsOf(country: PhoneCountry, phone: string, turnsApart: number, turnsMax: number): number[] {
  const range = ranges[country];
  const index = range.index(phone);
  if (index === undefined) return [];
  const stride = Math.ceil(turnsApart / range.capacity);
  const turns: number[] = [];
  for (let turn = index * stride; turn < turnsMax; turn += stride * range.capacity) turns.push(turn);
  return turns;
}

/** The country whose reserved range holds the number. */
export function phoneCountryOf(phone: string): PhoneCountry | undefined {
  return phoneCountries.find((country) => ranges[country].index(phone) !== undefined);
}

export function isReservedPhone(phone: string): boolean {
  return phoneCountryOf(phone) !== undefined;
}

/** As people of that country write it; the number itself when it is not in a reserved range. */
export function toNational(phone: string, style: number): string {
  const country = phoneCountryOf(phone);
  return country === undefined ? phone : ranges[country].national(phone, style);
}
