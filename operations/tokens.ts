import { createHash, randomBytes } from "node:crypto";

/** A client's token: 256 random bits. People and secret scanners recognise its prefix. */
export function newToken(): string {
    return tokenFrom(randomBytes(32).toString("base64url"));
}

/** Builds a token from random characters. */
export function tokenFrom(random: string): string {
    return `sms_${random}`;
}

/** The hash of a token. Only the hash is stored. A slow hash would add nothing: nobody can guess 256 random bits. */
export function hashOf(token: string): string {
    return createHash("sha256").update(token).digest("hex");
}
