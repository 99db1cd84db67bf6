public import ArgumentParser
public import Elements

/// Element types as `--dtype` names them.
public enum ElementType: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// Each tensor's own.
  case keep
  /// float32.
  case f32
  /// bfloat16.
  case bf16
  /// IEEE half.
  case f16
  /// Eight bits with four of exponent.
  case f8E4M3 = "f8_e4m3"
  /// Eight bits with five of exponent.
  case f8E5M2 = "f8_e5m2"

  /// What other programs call them.
  private static let otherNames: [String: ElementType] = [
    "fp32": .f32, "float32": .f32, "float": .f32, "bfloat16": .bf16, "fp16": .f16, "float16": .f16,
    "half": .f16, "fp8_e4m3fn": .f8E4M3, "float8_e4m3fn": .f8E4M3, "fp8_e5m2": .f8E5M2,
    "float8_e5m2": .f8E5M2,
  ]

  /// Reads a type by its name here or in other programs.
  public init?(argument: String) {
    let name = argument.lowercased()
    guard let type = ElementType(rawValue: name) ?? Self.otherNames[name] else { return nil }
    self = type
  }

  /// The dtype; nil to keep each tensor's.
  public var dtype: DType? {
    switch self {
    case .keep: nil
    case .f32: .f32
    case .bf16: .bf16
    case .f16: .f16
    case .f8E4M3: .f8E4M3
    case .f8E5M2: .f8E5M2
    }
  }
}
