extension DType {
  /// The largest finite number of an eight-bit type.
  ///
  /// Source: OCP 8-bit Floating Point Specification (OFP8) 1.0, table 1.
  package var largestNumber: Float {
    switch self {
    case .f8E4M3: 448
    case .f8E5M2: 57344
    default: preconditionFailure("\(rawValue) is not scaled")
    }
  }
}
