internal import Drawing

extension EvaluationResults {
  /// A line for every picture of every arm, and one with the names of the columns.
  public var csv: String {
    let names = [
      "arm", "role", "run", "passes", "prompt", "seed", "latent_mse", "latent_cosine", "pixel_mse",
      "all_right", "classes", "labels", "clip_score", "seconds", "picture", "text",
    ]
    var lines = [names.joined(separator: ",")]
    for measured in arms {
      let arm = measured.arm
      for (run, picture) in measured.numberedPictures {
        let isTeacher = arm.role == .teacher
        func fidelity(_ value: Double) -> String { isTeacher ? "" : "\(value)" }
        let seed = plan.request.seed &+ UInt64(picture.seed)
        let fields = [
          Self.quoted(arm.name), arm.role.rawValue, "\(run)", "\(arm.plan.passesPerPicture)",
          "\(picture.prompt)", "\(seed)", fidelity(picture.latentSquaredError),
          fidelity(picture.latentCosine), fidelity(picture.pixelSquaredError),
          picture.isAllRight.map { $0 ? "1" : "0" } ?? "", Self.list(picture.classes),
          Self.list(picture.labels), picture.clipScore.map { "\($0)" } ?? "",
          "\(picture.seconds)",
          "pictures/\(arm.runs[run].fileName)/\(ArmStore.pictureName(prompt: picture.prompt, seed: picture.seed))",
          Self.quoted(plan.request.prompts[picture.prompt].text),
        ]
        lines.append(fields.joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func list(_ numbers: [Int]?) -> String {
    (numbers ?? []).map(String.init).joined(separator: " ")
  }

  /// A text as a field. **Source:** RFC 4180, section 2.
  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
