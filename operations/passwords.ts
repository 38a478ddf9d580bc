import { randomInt } from "node:crypto";
import { passwordFault } from "../settings/credentials";

/** Characters that Alibaba Cloud's stores accept, and that need no quoting in a URL or a shell. */
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A password of 24 random characters (144 bits) that every store accepts. */
export function generatedPassword(): string {
    const password = Array.from({ length: 24 }, () => characters[randomInt(characters.length)]).join("");
    // A value that begins with - looks like an option, to people and programs.
    return passwordFault(password) === undefined && !password.startsWith("-") ? password : generatedPassword();
}

/** Why the passphrase is too weak for a stack's secrets, or undefined. Many people may read the file that it encrypts. */
export function passphraseFault(passphrase: string): string | undefined {
    if (passphrase === "") {
        return "it is empty";
    }
    if (passphrase.trim() !== passphrase) {
        return "it begins or ends with a space or a line break";
    }
    if ([...passphrase].length < 16) {
        return "it has fewer than 16 characters; take four or more random words, or `openssl rand -base64 24`";
    }
    return new Set(passphrase).size < 8 ? "it has fewer than 8 different characters" : undefined;
}
