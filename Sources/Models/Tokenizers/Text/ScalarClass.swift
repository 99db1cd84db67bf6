/// The classes that the patterns of byte-pair tokenizers tell apart.
///
/// They are those of Unicode 16, the version of the reference's regular expressions: letters that
/// are newer are unassigned here, so that ids don't change with the toolchain.
enum ScalarClass: UInt8 {
  /// `\p{L}`: a letter of any script.
  case letter
  /// `\p{N}`: a digit, a letter-like number or a fraction.
  case number
  /// `\s`: the Unicode property White_Space.
  case whitespace
  /// Punctuation, symbols, marks, controls and whatever else.
  case other

  /// The class of a scalar.
  init(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "a"..."z", "A"..."Z": self = .letter
    case "0"..."9": self = .number
    case " ", "\t"..."\r": self = .whitespace
    case "\0"..."\u{7F}": self = .other
    default:
      let properties = scalar.properties
      if let age = properties.age, age.major > 16 {
        self = .other
        return
      }
      switch properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
        self = .letter
      case .decimalNumber, .letterNumber, .otherNumber: self = .number
      default: self = properties.isWhitespace ? .whitespace : .other
      }
    }
  }
}

/// A stretch of text with the class of every scalar, for scanning in words.
struct ClassifiedText {
  let scalars: ArraySlice<Unicode.Scalar>
  private let classes: [ScalarClass]

  init(_ scalars: ArraySlice<Unicode.Scalar>) {
    self.scalars = scalars
    classes = scalars.map(ScalarClass.init)
  }

  /// How many scalars there are; positions count from 0.
  var count: Int { classes.count }

  /// The scalar at a position; nil past the end.
  subscript(position: Int) -> Unicode.Scalar? {
    position < classes.count ? scalars[scalars.startIndex + position] : nil
  }

  /// Whether the scalar at a position is of a class; false past the end.
  func isA(_ kind: ScalarClass, at position: Int) -> Bool {
    position < classes.count && classes[position] == kind
  }

  /// The position after the run of a class that starts at a position, which may be empty.
  func end(ofRun kind: ScalarClass, from position: Int) -> Int {
    var end = position
    while isA(kind, at: end) { end += 1 }
    return end
  }

  /// The UTF-8 bytes of a range of positions.
  func bytes(_ range: Range<Int>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    for position in range {
      result += UTF8.encode(scalars[scalars.startIndex + position])!
    }
    return result
  }
}
