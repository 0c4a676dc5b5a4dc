//! Big-endian base62 (`0-9A-Za-z`) of fixed length: one spelling for each value.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes the number that `bytes` are (big-endian) as `WIDTH` digits, padded with `0`. `bytes` must fit; it is used up.
#[expect(clippy::indexing_slicing, reason = "a remainder of a division by 62 is below 62")]
pub(super) fn encode<const WIDTH: usize>(mut bytes: impl AsMut<[u8]>) -> [u8; WIDTH] {
    let number = bytes.as_mut();
    let mut digits = [0; WIDTH];
    for digit in digits.iter_mut().rev() {
        let remainder = number.iter_mut().fold(0_u16, |remainder, byte| {
            let value = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            value % 62
        });
        *digit = ALPHABET[usize::from(remainder)];
    }
    digits
}

/// Ten digits fit in a `u64`, so that the long number is multiplied once for ten of them.
const DIGITS_AT_ONCE: usize = 10;

/// Reads what [`encode`] wrote of 56 bytes. `None` for any other character, and for a number that does not fit.
pub(super) fn decode(digits: &[u8]) -> Option<[u8; 56]> {
    // Little-endian: the lowest part first.
    let mut parts = [0_u64; 7];
    for chunk in digits.chunks(DIGITS_AT_ONCE) {
        let (mut carry, mut scale) = (0_u64, 1_u64);
        for digit in chunk {
            carry = carry * 62 + value(*digit)?;
            scale *= 62;
        }
        for part in &mut parts {
            let product = u128::from(*part) * u128::from(scale) + u128::from(carry);
            (*part, carry) = halves(product);
        }
        if carry != 0 {
            return None;
        }
    }
    let mut number = [0; 56];
    for (bytes, part) in number.rchunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_be_bytes());
    }
    Some(number)
}

/// What no digit has.
const NONE: u8 = u8::MAX;

/// The value of each digit, by its character: to branch on each of a token's characters costs more than all the rest.
const VALUES: [u8; 256] = {
    let (mut values, mut value) = ([NONE; 256], 0);
    while value < ALPHABET.len() {
        #[expect(clippy::cast_possible_truncation, reason = "there are 62 digits")]
        #[expect(clippy::indexing_slicing, reason = "of constants, while compiling")]
        {
            values[ALPHABET[value] as usize] = value as u8;
        }
        value += 1;
    }
    values
};

#[expect(clippy::indexing_slicing, reason = "every byte has its place")]
fn value(digit: u8) -> Option<u64> {
    let value = VALUES[usize::from(digit)];
    (value != NONE).then(|| u64::from(value))
}

/// The low and the high half.
#[expect(clippy::cast_possible_truncation, reason = "each half is cut to its 64 bits on purpose")]
fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: [u8; 56]) {
            prop_assert_eq!(decode(&encode::<76>(bytes)), Some(bytes));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(&encode::<6>([0xff; 4]), b"4gfFC3");
        let largest = encode::<76>([0xff; 56]);
        assert_eq!(decode(&largest), Some([0xff; 56]));
        let with_last = |last| {
            let mut digits = largest;
            digits[75] = last;
            digits
        };
        let next = ALPHABET[ALPHABET.iter().position(|digit| *digit == largest[75]).unwrap() + 1];
        assert_eq!(decode(&with_last(next)), None, "one more does not fit");
        assert_eq!(decode(&[b'z'; 76]), None);
        assert_eq!(decode(&with_last(b'-')), None, "no digit");
    }
}
