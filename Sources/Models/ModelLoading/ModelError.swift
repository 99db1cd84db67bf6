public import SystemPackage

/// Why a model can't be made from its files.
public enum ModelError: Error, Equatable {
  /// A file can't be read or isn't what its name says.
  case unreadable(file: FilePath, detail: String)
  /// A configuration lacks a key, or the value is of the wrong kind or out of range.
  case configuration(file: FilePath, key: String, expected: String, found: String)
  /// The checkpoint lacks a tensor that the configuration calls for.
  case missingTensor(file: FilePath, tensor: String)
  /// A tensor's shape isn't the one that the configuration calls for.
  case shapeMismatch(file: FilePath, tensor: String, expected: [Int], found: [Int])
  /// A tensor's dtype can't be computed with.
  case unsupportedDType(file: FilePath, tensor: String, found: String)
  /// A tensor holds values that are not finite.
  case notFinite(file: FilePath, tensor: String)
  /// The files ask for something that this toolkit doesn't do.
  case unsupported(file: FilePath, detail: String)
}

extension ModelError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .unreadable(let file, let detail):
      "\(file): \(detail)"
    case .configuration(let file, let key, let expected, let found):
      "\(file): '\(key)': expected \(expected), found \(found)"
    case .missingTensor(let file, let tensor):
      "\(file): no tensor '\(tensor)', which config.json calls for; "
        + "glance-inspect shows what the file holds"
    case .shapeMismatch(let file, let tensor, let expected, let found):
      "\(file): tensor '\(tensor)': expected shape \(expected) from config.json, found \(found)"
    case .unsupportedDType(let file, let tensor, let found):
      "\(file): tensor '\(tensor)': expected a plain floating type, such as BF16, found \(found)"
    case .notFinite(let file, let tensor):
      "\(file): tensor '\(tensor)': expected finite values, found NaN or infinity; "
        + "is the file damaged?"
    case .unsupported(let file, let detail):
      "\(file): \(detail)"
    }
  }
}
