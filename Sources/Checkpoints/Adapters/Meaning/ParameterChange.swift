public import Tensors

/// What an adapter does to one parameter of a module otherwise than by a low-rank pair: the parameter
/// becomes P + scale · values, or with a magnitude m · V / |V| of V = P + scale · values, or it is replaced.
public struct ParameterChange: Sendable {
  /// Canonical path of the module, such as `transformer_blocks.0.attn.to_q`.
  public let path: String
  /// What its file calls the module.
  public let name: String
  /// Which parameter it is.
  public let parameter: Parameter
  /// The method, for people: `LoKr`.
  public let method: String
  /// The numbers; of all modules that the file has fused.
  public let values: ChangedValues
  /// The rows of ``values`` that are this module's, in its own order.
  public let rows: [Range<Int>]
  /// What the values are multiplied by.
  public let scale: Double
  /// Who says so.
  public let scaleSource: AdapterModule.ScaleSource
  /// Lengths that rows, `[rows, 1]`, or columns, `[1, columns]`, have after the change; nil where the
  /// values are simply added.
  public let magnitude: TensorView?

  /// A parameter of a module.
  public enum Parameter: String, Sendable {
    /// The matrix of a linear layer, or a norm's scales.
    case weight
    /// What is added after it.
    case bias
  }

  /// A change of some parameter.
  public init(
    path: String, name: String? = nil, parameter: Parameter = .weight, method: String,
    values: ChangedValues, rows: [Range<Int>]? = nil, scale: Double = 1,
    scaleSource: AdapterModule.ScaleSource = .given, magnitude: TensorView? = nil
  ) {
    self.path = path
    self.name = name ?? path
    self.parameter = parameter
    self.method = method
    self.values = values
    self.rows = rows ?? [0..<values.shape.rows]
    self.scale = scale
    self.scaleSource = scaleSource
    self.magnitude = magnitude
  }

  /// Canonical name of the parameter: `transformer_blocks.0.attn.to_q.bias`.
  package var parameterName: String { "\(path).\(parameter.rawValue)" }

  /// The parameter's shape: `[rows, columns]`, or `[rows]`.
  package var shape: [Int] { [rowCount] + (columnCount.map { [$0] } ?? []) }

  /// Rows of the parameter.
  public var rowCount: Int { rows.reduce(0) { $0 + $1.count } }
  /// Columns of it; nil for a parameter of one axis.
  public var columnCount: Int? { values.shape.columns }

  /// Whether it needs the base's own numbers: they are in what it is.
  public var dependsOnBase: Bool { magnitude != nil || isReplacement }

  /// Whether the values are what the parameter becomes.
  public var isReplacement: Bool {
    if case .replacement = values { true } else { false }
  }
}
