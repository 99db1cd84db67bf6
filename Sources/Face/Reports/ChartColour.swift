/// What a colour stands for, the same on every page.
///
/// All have a contrast of at least 3 to 1 with white and with the canvas of dark pages. Those with a meaning
/// are told apart with colour vision deficiencies (Okabe and Ito, 2008).
public enum ChartColour: Sendable, Equatable {
  /// The expert of a phase, or its steps.
  case phase(String)
  /// The model with all of its own steps.
  case teacher
  /// The model in other steps, without experts.
  case plain
  /// Anything else, by its place among others.
  case other(Int)

  /// As pages write it.
  var code: String {
    switch self {
    case .phase("slow"): "#0072b2"
    case .phase("fast"): "#d55e00"
    case .phase("single"): "#cc79a7"
    case .phase(let name): Self.other(place(in: name)).code
    case .teacher: "#777777"
    case .plain: "#009e73"
    case .other(let place): Self.others[place % Self.others.count]
    }
  }

  /// The number that ends a name, such as `part-2`; 0 without one.
  private func place(in name: String) -> Int {
    Int(String(name.reversed().prefix { "0"..."9" ~= $0 }.reversed())) ?? 0
  }

  private static let others = [
    "#b87f00", "#2f93c9", "#8c6bb1", "#8a8a2e", "#a65628", "#e0457b", "#1f8f8f", "#6b7fd7",
    "#5a962f", "#b0568f",
  ]
}
