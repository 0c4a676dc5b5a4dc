//! Big-endian base62 (`0-9A-Za-z`) of fixed length: one spelling for each value.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes the number that `bytes` are (big-endian) as `width` digits, padded with `0`. `bytes` must fit; it is used up.
#[expect(clippy::indexing_slicing, reason = "a remainder of a division by 62 is below 62")]
pub(super) fn encode(mut bytes: impl AsMut<[u8]>, width: usize) -> String {
    let number = bytes.as_mut();
    let mut digits: Vec<u8> = (0..width)
        .map(|_| {
            let remainder = number.iter_mut().fold(0_u16, |remainder, byte| {
                let value = remainder << 8 | u16::from(*byte);
                *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
                value % 62
            });
            ALPHABET[usize::from(remainder)]
        })
        .collect();
    digits.reverse();
    digits.into_iter().map(char::from).collect()
}

/// Reads what [`encode`] wrote. `None` for any other character, and for a number that does not fit in `N` bytes.
pub(super) fn decode<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for digit in digits.bytes() {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        let mut carry = u16::from(value);
        for byte in number.iter_mut().rev() {
            let sum = u16::from(*byte) * 62 + carry;
            [*byte] = [sum.to_be_bytes()[1]];
            carry = sum >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: [u8; 56]) {
            let digits = encode(bytes, 76);
            prop_assert_eq!(digits.len(), 76);
            prop_assert_eq!(decode::<56>(&digits), Some(bytes));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(encode([0xff; 4], 6), "4gfFC3");
        assert_eq!(decode::<4>("4gfFC3"), Some([0xff; 4]));
        assert_eq!(decode::<4>("4gfFC4"), None);
        assert_eq!(decode::<4>("zzzzzz"), None);
        assert_eq!(decode::<4>("00-000"), None);
    }
}
