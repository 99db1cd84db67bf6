extension Float {
  /// A power of two as E8M0 stores it: 2^(code - 127), NaN for the last code. The first is below the least
  /// normal number.
  ///
  /// **Source:** OCP Microscaling Formats (MX) 1.0, section 5.4.1.
  package init(e8m0 code: UInt8) {
    self = code == 255 ? .nan : Float(sign: .plus, exponent: Int(code) - 127, significand: 1)
  }
}
