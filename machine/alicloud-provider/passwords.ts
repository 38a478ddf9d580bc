import { Refusal } from "./refusal";

/** The rule of both stores' APIs. The provider doesn't check it: a preview passes. */
export function refuseWeak(password: string): void {
    const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[!@#$%^&*()_+\-=]/].filter((one) => one.test(password)).length;
    if (!/^[A-Za-z0-9!@#$%^&*()_+\-=]{8,32}$/.test(password) || classes < 3) {
        throw new Refusal(
            "InvalidPassword.Format",
            "The password is 8 to 32 characters long and has at least three of uppercase letters, lowercase letters, digits and special characters (!@#$%^&*()_+-=).",
        );
    }
}
