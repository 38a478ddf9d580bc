/** Whether the password has 8 to 32 characters of at least three kinds. */
export function isStrong(password: string): boolean {
    const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[!@#$%^&*()_+\-=]/].filter((one) => one.test(password)).length;
    return /^[A-Za-z0-9!@#$%^&*()_+\-=]{8,32}$/.test(password) && kinds >= 3;
}
