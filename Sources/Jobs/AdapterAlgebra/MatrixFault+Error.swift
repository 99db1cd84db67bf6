internal import LinearAlgebra

extension MatrixFault {
  /// The same, of a module.
  func error(module: String, rows: Int, columns: Int) -> AlgebraError {
    switch self {
    case .tooLarge: .tooLarge(module: module, rows: rows, columns: columns)
    case .notConverged: .notConverged(module: module)
    case .noLibrary: .noLibrary(module: module)
    }
  }
}
