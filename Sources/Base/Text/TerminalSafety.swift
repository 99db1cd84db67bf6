extension Unicode.Scalar {
  /// Whether a terminal might act on it or reorder text: C0, DEL, C1, bidirectional controls and
  /// line separators.
  public var isUnsafeOnTerminals: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
