/** What a credential looks like, and what one has to be: the one place for settings, policies and generated passwords. */

const credentialName = /PASSW|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|(^|_)(KEY|PWD|DSN)$/i;
const credentialInUrl = /:\/\/[^/\s]*:[^/\s]*@/;

/** Whether a variable or an option of this name holds a credential. */
export function namesCredential(name: string): boolean {
    return credentialName.test(name);
}

/** Whether there is an address with a password in the text. */
export function hasPassword(text: string): boolean {
    return credentialInUrl.test(text);
}

const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[!@#$%^&*()_+\-=]/];
const allowed = "8 to 32 characters, of at least three of: upper case, lower case, digits, !@#$%^&*()_+-=; nothing else";

/** Why Alibaba Cloud would refuse it as a store's password, or undefined. Never with the password. */
export function passwordFault(password: string): string | undefined {
    const isMadeOf = classes.filter((characters) => characters.test(password)).length;
    const fits = /^[A-Za-z0-9!@#$%^&*()_+\-=]{8,32}$/.test(password);
    return fits && isMadeOf >= 3 ? undefined : allowed;
}
